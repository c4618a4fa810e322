"""Is one method better than another on the same patients?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.intervals import distinct_rows, draw_patients, interval, point, resample
from wsigraph.evaluation.metrics import LOWER_IS_BETTER, METRICS, defined_mean
from wsigraph.evaluation.resampled import RESAMPLED, Resampled
from wsigraph.evaluation.sample import Rows, Sample, sample_of
from wsigraph.evaluation.tables import Measure
from wsigraph.evaluation.tree_metrics import TREE_LOWER_IS_BETTER


@dataclass(frozen=True)
class PairedDifference:
    """Metric of a minus metric of b on the same slides.

    Args:
        metric: Its name.
        a: Value of a.
        b: Value of b.
        difference: a - b.
        low: Lower end of the 95 % interval of the difference, NaN where undefined.
        high: Upper end.
        p_value: Two-sided permutation p-value (uncorrected: correct it when many pairs are compared).
        defined: Resamples that define the difference.
        resamples: Resamples drawn, and permutations tried.
        patients: Number of patients.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float
    defined: int
    resamples: int
    patients: int

    @property
    def verdict(self) -> str:
        """``"a"`` or ``"b"`` where the interval excludes 0, else ``"neither"`` (also where it is undefined).

        Lower Brier, ECE and severity are better, so there the sign is turned.
        """
        sign = -1.0 if self.metric in LOWER_IS_BETTER | TREE_LOWER_IS_BETTER else 1.0
        ends = sorted((sign * self.low, sign * self.high))
        if ends[0] > 0:
            return "a"
        return "b" if ends[1] < 0 else "neither"


def paired_difference(
    a: Iterable[Prediction], b: Iterable[Prediction], *, metric: str, resamples: int = 2000, seed: int = 0
) -> PairedDifference:
    """Compare two methods on the same slides, matched by (slide, repeat).

    The interval resamples patients, the same for both methods. The p-value swaps the two methods' answers for
    random patients (all slides and repeats of a patient together), which is what "no difference" allows.

    Args:
        a: Predictions of one method.
        b: Predictions of the other.
        metric: Of ``wsigraph.evaluation.metrics.METRICS``.
        resamples: Number of resamples, and of permutations.
        seed: Of both.

    Raises: RunError: if the slides, labels, patients or classes do not match, or the metric is unknown.
    Source: Efron 1979; Good 2005 (paired permutation).
    """
    if metric not in METRICS:
        raise RunError(expected("paired_difference", f"a metric of {list(METRICS)}", f"'{metric}'"))
    measure = Measure(METRICS[metric], RESAMPLED[metric])
    return compare(sample_of(a), sample_of(b), measure, name=metric, resamples=resamples, seed=seed)


def compare(
    left: Sample, right: Sample, measure: Measure, *, name: str, resamples: int = 2000, seed: int = 0
) -> PairedDifference:
    """The same for any metric of the rows of a sample, see :func:`paired_difference`.

    Args:
        left: Rows of one method.
        right: Rows of the other.
        measure: What is compared.
        name: Its name.
        resamples: Number of resamples, and of permutations.
        seed: Of both.

    Raises: RunError: if the slides, labels, patients or classes do not match.
    """
    _check_match(left, right)
    value_a, value_b = (float(point(sample, measure.plain)) for sample in (left, right))
    resampled, size = measure.resampled, len(left.patients)
    drawn = draw_patients(size, resamples=resamples, seed=seed)
    change = resample(left, resampled, drawn) - resample(right, resampled, drawn)
    found = interval(value_a - value_b, change if size > 1 else np.full_like(change, np.nan))
    swaps = np.random.default_rng([seed, 1]).integers(0, 2, size=(resamples, size)).astype(np.float64)
    p_value = _permutation_p(left, right, resampled, swaps, found.value)
    return PairedDifference(
        metric=name,
        a=value_a,
        b=value_b,
        difference=found.value,
        low=found.low,
        high=found.high,
        p_value=p_value,
        defined=found.defined,
        resamples=resamples,
        patients=size,
    )


def _permutation_p(
    left: Sample, right: Sample, metric: Resampled, swaps: np.ndarray, difference: float
) -> float:
    """Share of swaps (the given order among them) that differ at least as much."""
    if np.isnan(difference):
        return float("nan")
    changes = []
    distinct, place = distinct_rows(swaps)
    for swap in np.array_split(distinct, max(1, len(distinct) // 250)):
        each = [_swapped(x, y, metric, swap) for x, y in zip(left.repeats, right.repeats, strict=True)]
        changes.append(np.asarray(defined_mean(np.stack(each), axis=0)))
    change = np.concatenate(changes)[place]
    change = change[~np.isnan(change)]
    as_large = int((np.abs(change) >= abs(difference) - 1e-12).sum())
    return (1 + as_large) / (1 + len(change))


def _swapped(x: Rows, y: Rows, metric: Resampled, swap: np.ndarray) -> np.ndarray:
    """Difference in each permutation: both methods' rows stacked, each dealt to one side by its weight."""
    labels = np.concatenate([x.labels, y.labels])
    probabilities = np.concatenate([x.probabilities, y.probabilities])
    moved = swap[:, x.patients]
    stays = 1.0 - moved
    first = metric(labels, probabilities, np.concatenate([stays, moved], axis=1))
    return first - metric(labels, probabilities, np.concatenate([moved, stays], axis=1))


def _check_match(left: Sample, right: Sample) -> None:
    if left.num_classes != right.num_classes:
        raise _mismatch("the same classes in a and b", f"{left.num_classes} and {right.num_classes}")
    keys = [{(i, s) for i, rows in enumerate(x.repeats) for s in rows.slides} for x in (left, right)]
    only = [sorted(keys[0] - keys[1]), sorted(keys[1] - keys[0])]
    if only[0] or only[1]:
        repeat, slide = (only[0] or only[1])[0]
        raise _mismatch(
            "the same slides in the same repeats of a and b",
            f"{len(only[0])} only in a, {len(only[1])} only in b (first: slide '{slide}', repeat {repeat})",
        )
    for x, y in zip(left.repeats, right.repeats, strict=True):
        labels = np.flatnonzero((x.labels != y.labels).reshape(len(x.slides), -1).any(1))
        if len(labels):
            raise _mismatch(
                "the same labels in a and b", f"{len(labels)} that differ ('{x.slides[labels[0]]}')"
            )
        names = [np.array(s.patients)[rows.patients] for s, rows in ((left, x), (right, y))]
        patients = np.flatnonzero(names[0] != names[1])
        if len(patients):
            raise _mismatch(
                "the same patients in a and b", f"{len(patients)} that differ ('{x.slides[patients[0]]}')"
            )


def _mismatch(what: str, got: str) -> RunError:
    return RunError(
        expected("paired_difference", what, got, todo="Run both methods on one manifest with the same folds.")
    )
