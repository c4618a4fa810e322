"""FROC as CAMELYON16 defines it: how many lesions are found at how many false alarms per slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.detections import Detections
from wsigraph.evaluation.intervals import Interval, draw_patients, interval
from wsigraph.evaluation.lesions import Lesions

FALSE_POSITIVES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per slide at which sensitivity is read."""


@dataclass(frozen=True)
class Hits:
    """What the detections of one slide met.

    Args:
        false_positives: Probability of each detection that met no lesion.
        best: For each lesion the highest probability of a detection in it; 0 where it was missed or is
            isolated tumour cells.
        counted: Lesions that were to be found.
    """

    false_positives: np.ndarray
    best: np.ndarray
    counted: int


@dataclass(frozen=True)
class Froc:
    """The curve and its score.

    Args:
        score: Mean of ``sensitivities``.
        sensitivities: At 1/4, 1/2, 1, 2, 4 and 8 false positives per slide.
        curve_false_positives: ``[T]`` false positives per slide, at rising thresholds.
        curve_sensitivity: ``[T]`` share of the lesions found.
        lesions: Number of lesions.
        slides: Number of slides.
    """

    score: float
    sensitivities: tuple[float, ...]
    curve_false_positives: np.ndarray
    curve_sensitivity: np.ndarray
    lesions: int
    slides: int


def hits(detections: Detections, lesions: Lesions | None) -> Hits:
    """Compare the detections of a slide with its lesions.

    A detection in a lesion finds it, and only the most probable one in a lesion counts; in isolated tumour
    cells it counts as nothing; anywhere else it is a false positive.

    Args:
        detections: Of the slide.
        lesions: Of the slide; None for a slide without tumour, all of whose detections are false.
    """
    if lesions is None:
        return Hits(detections.probability, np.zeros(0), 0)
    met = lesions.at(detections.points)
    best = np.zeros(len(lesions.isolated) + 1)
    np.maximum.at(best, met, detections.probability)
    found = np.where(lesions.isolated, 0.0, best[1:])
    return Hits(detections.probability[met == 0], found, lesions.counted)


def froc(slides: Sequence[Hits]) -> Froc:
    r"""Sensitivity at six rates of false positives, averaged.

    .. math::  \mathrm{score} = \tfrac16 \sum_{f \in \{1/4, 1/2, 1, 2, 4, 8\}} S(f)

    S runs through the points of all thresholds (sensitivity, false positives per slide) and (0, 0), with
    straight lines between them; beyond the most false positives it stays. The lowest probability that occurs
    is no threshold. That is the 0 of a missed lesion where there is one; where every lesion is found, the
    least sure detection is left out, as the challenge's evaluation leaves it out.

    Args:
        slides: Hits of every slide, those without tumour and those without detections too.

    Raises: RunError: if no slide has a lesion to find.
    Source: CAMELYON16 (Ehteshami Bejnordi et al. 2017), the challenge's evaluation.
    """
    lesions = sum(slide.counted for slide in slides)
    if not lesions:
        got = f"none on {len(slides)} slides"
        raise RunError(expected("FROC", "lesions to find", got, todo="Isolated tumour cells do not count."))
    false = np.sort(np.concatenate([slide.false_positives for slide in slides]))
    found = np.sort(np.concatenate([slide.best for slide in slides]))
    thresholds = np.unique(np.concatenate([false, found]))[1:]
    per_slide, sensitivity = (
        np.append(len(values) - np.searchsorted(values, thresholds), 0) / whole
        for values, whole in ((false, len(slides)), (found, lesions))
    )
    read = np.interp(FALSE_POSITIVES, per_slide[::-1], sensitivity[::-1])
    return Froc(float(read.mean()), tuple(read.tolist()), per_slide, sensitivity, lesions, len(slides))


def froc_interval(
    slides: Sequence[Hits], patients: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The score with its 95 % interval: whole patients are drawn, with all their slides.

    Args:
        slides: Hits of every slide.
        patients: Patient of each slide.
        resamples: Number of resamples; those without a lesion define no score.
        seed: Of the draws.

    Raises: RunError: as :func:`froc`, or if there is not one patient per slide.
    """
    if len(patients) != len(slides):
        raise RunError(expected("FROC", f"{len(slides)} patients, one per slide", f"{len(patients)}"))
    names, patient = np.unique(list(patients), return_inverse=True)
    scores = np.full(resamples, np.nan)
    if len(names) > 1:
        for i, times in enumerate(draw_patients(len(names), resamples=resamples, seed=seed)):
            some = [slide for slide, n in zip(slides, times[patient], strict=True) for _ in range(int(n))]
            if any(slide.counted for slide in some):
                scores[i] = froc(some).score
    return interval(froc(slides).score, scores)
