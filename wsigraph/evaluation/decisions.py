"""How good decisions are: at thresholds frozen on validation answers, and over all thresholds at once.

Everywhere: ``labels [n, 2]`` hold the truth (1 positive, 0 negative) and what was decided, ``probabilities
[n, 2]`` that of the positive class second; ``weights [R, n]`` says how often each row is in each resample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import Task
from wsigraph.evaluation.intervals import patient_intervals
from wsigraph.evaluation.multilabel import precision_of
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.resampled import divide
from wsigraph.evaluation.sample import Sample, sample_of, scored
from wsigraph.evaluation.thresholds import LEVELS, Cuts, freeze

Weighted = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Threshold probabilities of the decision curve."""
DECIDED = ("classification", "multilabel")
"""Tasks whose answers are probabilities of a yes or a no."""


def sensitivity(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the positive rows that were called positive ``[R]``."""
    truth, decided = _columns(labels)
    return divide(weights @ (truth & decided), weights @ truth)


def specificity(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the negative rows that were called negative ``[R]``."""
    truth, decided = _columns(labels)
    return divide(weights @ (~truth & ~decided), weights @ ~truth)


def positive_value(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the rows called positive that are ``[R]`` (positive predictive value)."""
    truth, decided = _columns(labels)
    return divide(weights @ (truth & decided), weights @ decided)


def negative_value(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the rows called negative that are ``[R]`` (negative predictive value)."""
    truth, decided = _columns(labels)
    return divide(weights @ (~truth & ~decided), weights @ ~decided)


def average_precision(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve as average precision ``[R]``; by chance it is the prevalence."""
    return precision_of(_columns(labels)[0], probabilities[:, 1], weights)


def prevalence(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of positive rows ``[R]``."""
    return divide(weights @ _columns(labels)[0], weights.sum(1))


def net_benefit(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""What deciding by the probabilities is worth, in true positives per row ``[R, len(GRID)]``.

    .. math::  \mathrm{NB}(p) = \frac{\mathrm{TP}(p)}{n} - \frac{\mathrm{FP}(p)}{n}\,\frac{p}{1 - p}

    A row is called positive where its probability is at least p, the chance at which treating is worth as
    much as not treating. It supposes that probabilities mean what they say: see the calibration error.

    Source: Vickers and Elkin 2006, eq. 1.
    """
    called = probabilities[:, 1, None] >= np.array(GRID)
    return _benefit(_columns(labels)[0], called, weights)


def benefit_of_all(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Net benefit of calling every row positive ``[R, len(GRID)]``; of calling none so it is 0."""
    return _benefit(_columns(labels)[0], np.ones((len(labels), len(GRID)), dtype=bool), weights)


MEASURES: Mapping[str, Weighted] = MappingProxyType(
    {
        "sensitivity": sensitivity,
        "specificity": specificity,
        "positive_predictive_value": positive_value,
        "negative_predictive_value": negative_value,
        "average_precision": average_precision,
        "prevalence": prevalence,
    }
)


def against_rest(rows: Sequence[Any], task: Task, classes: Sequence[str]) -> dict[str, list[Prediction]]:
    """Answers as yes or no to each question: the second of two classes, each of several, each label.

    Returns: By name rows of two probabilities; nothing for tasks whose answers are no probabilities.
    """
    if task.name not in DECIDED:
        return {}
    asked = classes[1:] if task.one_class and len(classes) == 2 else classes
    return {name: [_yes_or_no(row, list(classes).index(name)) for row in rows] for name in asked}


def freeze_all(rows: Sequence[Any], task: Task, classes: Sequence[str]) -> dict[str, dict[str, Cuts]]:
    """Thresholds by name and level, chosen by validation answers: see ``freeze``."""
    return {name: freeze(own) for name, own in against_rest(rows, task, classes).items()}


def summarise_decisions(
    rows: Sequence[Any],
    task: Task,
    classes: Sequence[str],
    *,
    frozen: Mapping[str, Mapping[str, Cuts]],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Decisions on slides that no network saw, at slide and at patient level, with 95 % intervals.

    Args:
        rows: Rows of a run, or of a cohort that a run answered.
        task: What was asked.
        classes: Names of its classes or labels, in order.
        frozen: Thresholds by name and level.
        resamples: Resamples of the patients. The thresholds stay as they are.
        seed: Of the resampling.

    Returns: By name ``{"slide": {"sensitivity": {"value", "low", "high"}, ...}, "patient": {...},
        "thresholds": {"slide": [...], "patient": [...]}, "curve": {...}}``, in plain types; the thresholds
        are those that were used, the curve (net benefit) is at slide level.
    """
    found = {}
    for name, own in against_rest(rows, task, classes).items():
        unseen = scored(own)
        levels = {"slide": unseen, "patient": list(to_patients(unseen).predictions)}
        parts: dict[str, Any] = {"thresholds": {}}
        for level in LEVELS:
            cuts = frozen[name][level]
            parts["thresholds"][level] = sorted({cuts.of(row.repeat, row.fold) for row in levels[level]})
            parts[level] = {}
            if levels[level]:
                sample = _decided(levels[level], cuts)
                parts[level] = {
                    key: _intervals(sample, measure, resamples=resamples, seed=seed)[0]
                    for key, measure in MEASURES.items()
                }
                if level == "slide":
                    parts["curve"] = _curve(sample, resamples=resamples, seed=seed)
        found[name] = parts
    return found


def _curve(sample: Sample, *, resamples: int, seed: int) -> dict[str, list[float]]:
    model = _intervals(sample, net_benefit, resamples=resamples, seed=seed)
    everyone = _intervals(sample, benefit_of_all, resamples=1, seed=seed)
    curve = {key: [one[key] for one in model] for key in ("value", "low", "high")}
    return {"probability": list(GRID), **curve, "all": [one["value"] for one in everyone]}


def _intervals(sample: Sample, measure: Weighted, *, resamples: int, seed: int) -> list[dict[str, float]]:
    def plain(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        return measure(labels, probabilities, np.ones((1, len(labels))))[0]

    found = patient_intervals(sample, plain, measure, resamples=resamples, seed=seed)
    return [one.to_dict() for one in found]


def _decided(rows: Sequence[Prediction], cuts: Cuts) -> Sample:
    """Rows as arrays, each with what was decided of it beside the truth."""
    yes = {(r.slide_id, r.repeat): r.probabilities[1] >= cuts.of(r.repeat, r.fold) for r in rows}
    sample, repeats = sample_of(rows), sorted({row.repeat for row in rows})
    blocks = []
    for repeat, block in zip(repeats, sample.repeats, strict=True):
        decided = np.array([yes[slide, repeat] for slide in block.slides], dtype=np.int64)
        blocks.append(replace(block, labels=np.stack([block.labels, decided], axis=1)))
    return replace(sample, repeats=tuple(blocks))


def _benefit(truth: np.ndarray, called: np.ndarray, weights: np.ndarray) -> np.ndarray:
    odds = np.array(GRID) / (1.0 - np.array(GRID))
    hits, false = weights @ (truth[:, None] & called), weights @ (~truth[:, None] & called)
    return divide(hits - false * odds, weights.sum(1, keepdims=True))


def _columns(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return labels[:, 0] == 1, labels[:, 1] == 1


def _yes_or_no(row: Prediction | Estimate, k: int) -> Prediction:
    """A row as one question, yes or no."""
    shared = {key: getattr(row, key) for key in ("slide_id", "patient_id", "repeat", "fold", "split")}
    if isinstance(row, Prediction):
        chance, label = row.probabilities[k], int(row.label == k) if row.known else -1
    else:
        truth = row.target[k] if row.target else np.nan
        chance, label = row.values[k], -1 if np.isnan(truth) else int(truth == 1.0)
    return Prediction(probabilities=(1.0 - chance, chance), label=label, **shared)
