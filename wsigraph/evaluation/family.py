"""A family of paired comparisons on one cohort: graph against set, pair by pair, corrected together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.holm import holm
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.paired import PairedDifference, compare
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.sample import Sample, sample_of
from wsigraph.evaluation.tables import Measure


@dataclass(frozen=True)
class Comparison:
    """One pair of a family.

    Args:
        a: Name of the first method.
        b: Name of the second.
        found: Metric of a less that of b, with its interval and uncorrected p-value. The interval is of this
            pair alone: it is not widened for the family.
        holm_p: The p-value corrected by Holm over the family.
        per_seed: The difference of each seed (repeat) alone.
    """

    a: str
    b: str
    found: PairedDifference
    holm_p: float
    per_seed: tuple[float, ...]


def compare_family(
    answers: Mapping[str, Sequence[Prediction]],
    pairs: Sequence[tuple[str, str]],
    *,
    metric: str = "auc",
    resamples: int = 2000,
    seed: int = 0,
) -> list[Comparison]:
    """Paired differences of every pair, seeds averaged, with Holm's correction over all of them.

    A seed is a repeat of the predictions. Patients are resampled with all their slides and seeds, the same
    for both sides; the seeds are those that were run, so that training noise that they happen not to show is
    in no interval (``per_seed`` shows it).

    Args:
        answers: Predictions by method.
        pairs: What is compared with what: the family, fixed beforehand.
        metric: Of ``wsigraph.evaluation.metrics.METRICS``.
        resamples: Of intervals, and permutations.
        seed: Of both.

    Raises: RunError: if a method of a pair is not there, two methods did not answer the same slides, or the
        metric is unknown.
    Source: Holm 1979; Efron 1979; Good 2005 (paired permutation).
    """
    absent = sorted({name for pair in pairs for name in pair} - set(answers))
    if absent:
        raise RunError(expected("compare_family", f"methods of {sorted(answers)}", f"{absent}"))
    if metric not in METRICS:
        raise RunError(expected("compare_family", f"a metric of {list(METRICS)}", f"'{metric}'"))
    measure = Measure(METRICS[metric], RESAMPLED[metric])
    samples = {name: sample_of(answers[name]) for name in {name for pair in pairs for name in pair}}
    found = [
        compare(samples[a], samples[b], measure, name=metric, resamples=resamples, seed=seed)
        for a, b in pairs
    ]
    corrected = holm([one.p_value for one in found])
    return [
        Comparison(a, b, one, float(p), _per_seed(samples[a], samples[b], measure))
        for (a, b), one, p in zip(pairs, found, corrected, strict=True)
    ]


def _per_seed(left: Sample, right: Sample, measure: Measure) -> tuple[float, ...]:
    return tuple(
        float(measure.plain(x.labels, x.probabilities)) - float(measure.plain(y.labels, y.probabilities))
        for x, y in zip(left.repeats, right.repeats, strict=True)
    )
