"""How well a method does with fewer labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.intervals import Interval, patient_intervals
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.sample import sample_of


@dataclass(frozen=True)
class CurvePoint:
    """A method trained on a share of the training slides.

    Args:
        share: Of the training slides, up to 1.
        found: The metric over all seeds with its interval over patients.
        per_seed: The metric of each seed alone; which slides are kept differs between seeds.
    """

    share: float
    found: Interval
    per_seed: tuple[float, ...]


def label_curve(
    answers: Mapping[float, Sequence[Prediction]],
    *,
    metric: str = "auc",
    resamples: int = 1000,
    seed: int = 0,
) -> list[CurvePoint]:
    """The metric at each share, smallest share first; the same patients are drawn at every share.

    Args:
        answers: Predictions by share; the same slides at each.
        metric: Of ``wsigraph.evaluation.metrics.METRICS``.
        resamples: Of each interval.
        seed: Of the draws.

    Raises: RunError: if a share is not in (0, 1], two shares answered other slides, or the metric is unknown.
    """
    if metric not in METRICS:
        raise RunError(expected("label_curve", f"a metric of {list(METRICS)}", f"'{metric}'"))
    wrong = [share for share in answers if not 0.0 < share <= 1.0]
    if wrong:
        raise RunError(expected("label_curve", "shares above 0 and up to 1", f"{wrong[0]}"))
    points: list[CurvePoint] = []
    asked: list[tuple[str, ...]] = []
    for share in sorted(answers):
        sample = sample_of(answers[share])
        slides = [rows.slides for rows in sample.repeats]
        if asked and slides != asked:
            where = f"label_curve at share {share}"
            raise RunError(expected(where, "the same slides and seeds as at the other shares", "others"))
        asked = slides
        plain = METRICS[metric]
        (found,) = patient_intervals(sample, plain, RESAMPLED[metric], resamples=resamples, seed=seed)
        each = tuple(float(plain(rows.labels, rows.probabilities)) for rows in sample.repeats)
        points.append(CurvePoint(share, found, each))
    return points
