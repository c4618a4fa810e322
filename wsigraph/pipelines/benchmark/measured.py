"""Answers of a contest's methods, resampled once: all values and differences come from the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.estimates import sample_of_estimates
from wsigraph.evaluation.intervals import Interval, draw_patients, interval, point, resample
from wsigraph.evaluation.paired import compare
from wsigraph.evaluation.sample import Sample, sample_of
from wsigraph.evaluation.tables import TABLES, Measure

SEED = 0
"""Of resamples and permutations."""


@dataclass(frozen=True)
class Yardstick:
    """What a contest is judged by.

    Args:
        name: Name of the metric.
        measure: The metric.
        classes: Number of classes; 0 where the answers are estimates, of which no verdict is given.
    """

    name: str
    measure: Measure
    classes: int


@dataclass(frozen=True)
class Measured:
    """A method's answers and what resampling says of them.

    Args:
        sample: The answers, a repeat for each seed.
        found: The metric, mean of the seeds, with its interval over patients.
        draws: The metric in each resample ``[R]``; the same patients are drawn for every method.
        per_seed: The metric of each seed alone.
    """

    sample: Sample
    found: Interval
    draws: np.ndarray
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """Metric of ``a`` less that of ``b`` on the same slides.

    Args:
        a: Name of the first method.
        b: Name of the second.
        value: The difference, mean of the seeds.
        low: Lower end of the 95 % interval over patients; of this pair alone, not widened for others.
        high: Upper end.
        p_value: Of the paired permutation test; NaN where none was made.
        holm_p: The same, corrected over the family; NaN where the pair is of no family.
        per_seed: The difference of each seed alone.
    """

    a: str
    b: str
    value: float
    low: float
    high: float
    p_value: float = float("nan")
    holm_p: float = float("nan")
    per_seed: tuple[float, ...] = ()


def yardstick(answers: Mapping[str, Sequence[Any]], task: str) -> Yardstick:
    """AUC (macro of three classes or more), balanced accuracy where a seed has no slide of some class.

    Other tasks than one class per slide have their first headline metric.

    Args:
        answers: Rows by method; all methods answered the same slides.
        task: Name of the task.
    """
    rows = next(iter(answers.values()))
    if not isinstance(rows[0], Prediction):
        name = TABLES[task].headline[0]
        return Yardstick(name, TABLES[task].overall[name], 0)
    sample = sample_of(rows)
    whole = all(len(np.unique(block.labels)) == sample.num_classes for block in sample.repeats)
    name = "auc" if whole else "balanced_accuracy"
    return Yardstick(name, TABLES["classification"].overall[name], sample.num_classes)


def measure(rows: Sequence[Any], stick: Yardstick, *, resamples: int) -> Measured:
    """A method's value, interval and draws.

    Args:
        rows: Its answers.
        stick: What they are judged by.
        resamples: Resamples of the patients.
    """
    sample = sample_of(rows) if stick.classes else sample_of_estimates(rows)
    size = len(sample.patients)
    plain = stick.measure.plain
    each = tuple(float(plain(block.labels, block.probabilities)) for block in sample.repeats)
    if size > 1:
        draws = resample(sample, stick.measure.resampled, draw_patients(size, resamples=resamples, seed=SEED))
    else:  # one patient resampled is always the same patient: no interval
        draws = np.full(resamples, np.nan)
    return Measured(sample, interval(float(point(sample, plain)), draws), draws, each)


def difference(methods: Mapping[str, Measured], a: str, b: str) -> Difference:
    """A pair's difference with its interval, without a test: equals that of ``paired.compare``.

    Args:
        methods: By name; of one contest.
        a: The first.
        b: The second.
    """
    left, right = methods[a], methods[b]
    found = interval(left.found.value - right.found.value, left.draws - right.draws)
    return Difference(a, b, found.value, found.low, found.high, per_seed=_per_seed(left, right))


def tested(
    methods: Mapping[str, Measured], a: str, b: str, *, stick: Yardstick, resamples: int
) -> Difference:
    """A pair's difference with interval and permutation test.

    Args:
        methods: By name; of one contest.
        a: The first.
        b: The second.
        stick: What they are judged by.
        resamples: Of the interval, and permutations.

    Raises: RunError: if the two did not answer the same slides.
    """
    left, right = methods[a], methods[b]
    found = compare(left.sample, right.sample, stick.measure, name=stick.name, resamples=resamples, seed=SEED)
    each = _per_seed(left, right)
    return Difference(a, b, found.difference, found.low, found.high, found.p_value, per_seed=each)


def _per_seed(left: Measured, right: Measured) -> tuple[float, ...]:
    return tuple(x - y for x, y in zip(left.per_seed, right.per_seed, strict=True))
