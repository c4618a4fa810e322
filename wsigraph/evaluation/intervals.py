"""95 % intervals by resampling patients: slides of one patient are not independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wsigraph.evaluation.metrics import defined_mean
from wsigraph.evaluation.resampled import Resampled
from wsigraph.evaluation.sample import Sample

LEVEL = 95.0
Plain = Callable[[np.ndarray, np.ndarray], "np.ndarray | float"]
_BLOCK = 4_000_000  # weights held at once: 32 MB
_FEW = 12


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % percentile interval.

    Args:
        value: The metric on all rows.
        low: Lower end, NaN where no resample defines it or there is only one patient.
        high: Upper end.
        defined: Resamples in which the metric is defined; the interval uses these only.
        resamples: Resamples drawn.
    """

    value: float
    low: float
    high: float
    defined: int
    resamples: int

    def to_dict(self) -> dict[str, float]:
        """Value, low and high, as ``metrics.json`` holds them."""
        return {"value": self.value, "low": self.low, "high": self.high}


def draw_patients(num_patients: int, *, resamples: int, seed: int) -> np.ndarray:
    """How often each patient stands in each resample: ``[resamples, num_patients]``."""
    share = np.full(num_patients, 1.0 / num_patients)
    return np.random.default_rng(seed).multinomial(num_patients, share, size=resamples).astype(np.float64)


def point(sample: Sample, metric: Plain) -> np.ndarray | float:
    """The metric on all rows, averaged over the repeats that define it."""
    each = [metric(rows.labels, rows.probabilities) for rows in sample.repeats]
    return defined_mean(np.array(each), axis=0)


def resample(sample: Sample, metric: Resampled, draws: np.ndarray) -> np.ndarray:
    """The metric in every resample, averaged over the repeats that define it.

    A drawn patient brings all its slides, and the same patients are drawn in every repeat, so repeats of one
    cohort do not pass for more patients.

    Args:
        sample: The scored rows.
        metric: Of ``wsigraph.evaluation.resampled``.
        draws: ``[R, P]`` of :func:`draw_patients`.

    Returns: ``[R]``, or ``[R, K]`` for a metric per class.
    """
    longest = max(len(rows.labels) for rows in sample.repeats)
    block = max(1, _BLOCK // max(longest, 1))
    distinct, place = distinct_rows(draws)
    parts = []
    for start in range(0, len(distinct), block):
        some = distinct[start : start + block]
        each = [metric(rows.labels, rows.probabilities, some[:, rows.patients]) for rows in sample.repeats]
        parts.append(np.asarray(defined_mean(np.stack(each), axis=0)))
    return np.concatenate(parts)[place]


def distinct_rows(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ, and which of them each row is: few patients are drawn and swapped the same again.

    Of many patients hardly a row comes twice, and all are kept.

    Shape: ``[R, P]`` -> ``[D, P]``, ``[R]``.
    """
    if weights.shape[1] > _FEW:
        return weights, np.arange(len(weights))
    rows, place = np.unique(weights, axis=0, return_inverse=True)
    return rows, place.ravel()


def interval(value: float, draws: np.ndarray) -> Interval:
    """Percentile interval of ``draws [R]`` around ``value``, from the draws that are defined.

    Source: Efron 1979 (percentile bootstrap); patients as the resampled unit: Field and Welsh 2007.
    Differs: nothing is done against the known weakness of percentiles near a bound: a perfect AUC has the
    interval 1 to 1 however few the patients.
    """
    defined = draws[~np.isnan(draws)]
    low = high = float("nan")
    if len(defined) and not np.isnan(value):
        tail = (100.0 - LEVEL) / 2
        low, high = (float(end) for end in np.percentile(defined, [tail, 100.0 - tail]))
    return Interval(float(value), low, high, len(defined), len(draws))


def patient_intervals(
    sample: Sample,
    metric: Plain,
    resampled: Resampled,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Interval]:
    """One interval per value of the metric: a list of one for a plain metric, of K for one per class.

    Args:
        sample: The scored rows.
        metric: The metric on plain rows.
        resampled: The same metric on weighted rows.
        resamples: Number of resamples.
        seed: The same seed and cohort draw the same patients for every metric.
    """
    values = np.atleast_1d(np.asarray(point(sample, metric)))
    if len(sample.patients) < 2:  # one patient resampled is always the same patient: no interval
        draws = np.full((resamples, len(values)), np.nan)
    else:
        drawn = draw_patients(len(sample.patients), resamples=resamples, seed=seed)
        draws = resample(sample, resampled, drawn).reshape(resamples, len(values))
    return [interval(float(value), draws[:, i]) for i, value in enumerate(values)]
