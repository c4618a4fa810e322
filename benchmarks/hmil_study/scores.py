"""Finished fits as numbers with intervals, and paired differences on the same slides and folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hmil_study.cohorts import FOLDS, STUDIES
from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.prediction import TreePrediction
from wsigraph.evaluation.intervals import Interval, patient_intervals
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.paired import PairedDifference, compare
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.sample import Sample
from wsigraph.evaluation.tables import Measure
from wsigraph.evaluation.tree_metrics import TREE_METRICS, on_rows
from wsigraph.evaluation.tree_rows import tree_rows
from wsigraph.evaluation.tree_sample import tree_sample
from wsigraph.io.atomic import read_json

RESAMPLES = 2000

MEASURES: dict[str, tuple[str, int | None]] = {
    "severity": ("severity", None),
    "severity of mistakes": ("severity_of_mistakes", None),
    "hierarchical F1": ("hierarchical_f1", None),
    "macro F1": ("f1", -1),
    "accuracy": ("accuracy", -1),
    "coarse accuracy": ("accuracy", 0),
}
"""Metric, and the level that it is of; None for whole lines of the tree."""


@dataclass(frozen=True)
class Answers:
    """What one arm said of one cohort, over the seeds of which every fold is finished.

    Args:
        data: Name of the cohort.
        records: One per fit.
        seeds: The finished seeds.
    """

    data: str
    records: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]

    def only(self, seeds: Iterable[int]) -> Answers:
        """The same for some seeds."""
        kept = tuple(seed for seed in self.seeds if seed in set(seeds))
        return Answers(self.data, tuple(r for r in self.records if r["seed"] in kept), kept)

    def rows(self) -> list[TreePrediction]:
        """Answers at every level, a repeat for each seed."""
        estimates = [
            Estimate(
                row["slide_id"],
                row["patient_id"],
                tuple(row["values"]),
                tuple(row["labels"]),
                repeat=record["seed"],
                fold=record["fold"],
            )
            for record in self.records
            for row in record["slides"]
        ]
        return tree_rows(estimates, STUDIES[self.data].task)

    def sample(self, level: int | None) -> Sample:
        """Whole lines of all slides, or the slides whose class at a level is known."""
        found = tree_sample(self.rows(), STUDIES[self.data].tree)
        one = found.lines if level is None else found.levels[level]
        if one is None:
            raise ValueError(f"{self.data}: no slide is known at level {level}")
        return one


def load(work: Path) -> dict[tuple[str, str], Answers]:
    """All finished fits by (cohort, arm), complete seeds only.

    Args:
        work: Folder whose ``fits/`` holds them.
    """
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for file in sorted((work / "fits").glob("*.json")):
        record = read_json(file)
        grouped.setdefault((record["data"], record["arm"]), []).append(record)
    answers = {}
    for (data, arm), records in grouped.items():
        counts = {seed: sum(r["seed"] == seed for r in records) for seed in {r["seed"] for r in records}}
        whole = tuple(sorted(seed for seed, count in counts.items() if count == FOLDS))
        if whole:
            kept = tuple(r for r in records if r["seed"] in whole)
            answers[data, arm] = Answers(data, kept, whole)
    return answers


def measure_of(name: str) -> tuple[Measure, int | None]:
    """The metric behind a column, and the level that it is of."""
    metric, level = MEASURES[name]
    if level is None:
        return Measure(on_rows(TREE_METRICS[metric]), TREE_METRICS[metric]), None
    return Measure(METRICS[metric], RESAMPLED[metric]), level


def measured(answers: Answers, name: str) -> Interval:
    """A measure, seeds averaged, with its interval by resampling patients (images, where there are none)."""
    measure, level = measure_of(name)
    sample = answers.sample(level)
    return patient_intervals(sample, measure.plain, measure.resampled, resamples=RESAMPLES, seed=0)[0]


def difference(a: Answers, b: Answers, name: str) -> PairedDifference:
    """Measure of a less that of b, on the seeds both have."""
    common = set(a.seeds) & set(b.seeds)
    measure, level = measure_of(name)
    left, right = (arm.only(common).sample(level) for arm in (a, b))
    return compare(left, right, measure, name=MEASURES[name][0], resamples=RESAMPLES)
