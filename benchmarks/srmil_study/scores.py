"""Finished fits as numbers with intervals, and paired differences on the same images and folds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.intervals import Interval, draw_patients, interval, resample
from wsigraph.evaluation.metrics import defined_mean
from wsigraph.evaluation.resampled import RESAMPLED, recall
from wsigraph.evaluation.sample import Sample, sample_of
from wsigraph.io.atomic import read_json

RESAMPLES = 2000


def _positive_recall(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return recall(labels, probabilities, weights)[:, 1]


BAG_MEASURES: Mapping[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "AUC": RESAMPLED["auc"],
    "recall": _positive_recall,
    "accuracy": RESAMPLED["accuracy"],
}
"""``recall``: of the positive class, at a probability of .5."""

MEASURES = (*BAG_MEASURES, "attention")
"""``attention``: its AUC for epithelial nuclei inside a positive image, mean over images."""


@dataclass(frozen=True)
class Answers:
    """What one arm said of one cohort, over the seeds of which every fold is finished.

    Args:
        records: One per fit.
        seeds: The finished seeds.
    """

    records: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]

    def only(self, seeds: Iterable[int]) -> Answers:
        """The same for some seeds."""
        kept = tuple(seed for seed in self.seeds if seed in set(seeds))
        return Answers(tuple(r for r in self.records if r["seed"] in kept), kept)

    def sample(self) -> Sample:
        """Bag answers, a repeat for each seed."""
        return sample_of(
            Prediction(
                row["slide_id"],
                row["patient_id"],
                (1.0 - row["probability"], row["probability"]),
                label=row["label"],
                repeat=record["seed"],
                fold=record["fold"],
            )
            for record in self.records
            for row in record["slides"]
        )

    def attention(self, patients: tuple[str, ...]) -> np.ndarray:
        """``[seeds, P]`` attention AUC of each image, NaN where it has none (patients are images here)."""
        found = np.full((len(self.seeds), len(patients)), np.nan)
        place = {name: i for i, name in enumerate(patients)}
        for record in self.records:
            for row in record["slides"]:
                if row["attention_auc"] is not None:
                    seed = self.seeds.index(record["seed"])
                    found[seed, place[row["patient_id"]]] = row["attention_auc"]
        return found


def load(work: Path, *, folds: Mapping[str, int]) -> dict[tuple[str, str], Answers]:
    """All finished fits by (cohort, arm), complete seeds only.

    Args:
        work: Folder whose ``fits/`` holds them.
        folds: Number of folds of each cohort.
    """
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for file in sorted((work / "fits").glob("*.json")):
        record = read_json(file)
        grouped.setdefault((record["data"], record["arm"]), []).append(record)
    answers = {}
    for (data, arm), records in grouped.items():
        seeds = sorted({r["seed"] for r in records})
        whole = [s for s in seeds if sum(r["seed"] == s for r in records) == folds[data]]
        if whole:
            kept = tuple(r for r in records if r["seed"] in whole)
            answers[data, arm] = Answers(kept, tuple(whole))
    return answers


def measured(answers: Answers, measure: str) -> Interval:
    """A measure, seeds averaged, with its interval by resampling images (of gg_pt1: the 20 source images)."""
    sample = answers.sample()
    return _interval(_draws(answers, sample, measure))


def difference(a: Answers, b: Answers, measure: str) -> Interval:
    """Measure of a less that of b, on the seeds both have; the same images are drawn for both."""
    common = set(a.seeds) & set(b.seeds)
    a, b = a.only(common), b.only(common)
    left, right = a.sample(), b.sample()
    if [r.slides for r in left.repeats] != [r.slides for r in right.repeats]:
        raise ValueError(f"{measure}: both arms must have answered the same slides")
    return _interval(_draws(a, left, measure) - _draws(b, right, measure))


def per_seed(answers: Answers, measure: str) -> list[float]:
    """The measure of each seed alone."""
    return [float(measured_once(answers.only([seed]), measure)) for seed in answers.seeds]


def measured_once(answers: Answers, measure: str) -> float:
    """The measure without an interval."""
    sample = answers.sample()
    return float(_values(answers, sample, measure, np.ones((1, len(sample.patients))))[0])


def _draws(answers: Answers, sample: Sample, measure: str) -> np.ndarray:
    """``[1 + R]``: the value on all images, then on each resample."""
    size = len(sample.patients)
    drawn = draw_patients(size, resamples=RESAMPLES, seed=0)
    return _values(answers, sample, measure, np.concatenate([np.ones((1, size)), drawn]))


def _values(answers: Answers, sample: Sample, measure: str, drawn: np.ndarray) -> np.ndarray:
    if measure in BAG_MEASURES:
        return resample(sample, BAG_MEASURES[measure], drawn)
    each = np.asarray(defined_mean(answers.attention(sample.patients), axis=0))  # [P]
    here = ~np.isnan(each)
    count = drawn @ here
    return (drawn @ np.where(here, each, 0.0)) / np.where(count > 0, count, np.nan)


def _interval(draws: np.ndarray) -> Interval:
    return interval(float(draws[0]), draws[1:])


def verdict(found: Interval) -> str:
    """``"more"``, ``"less"`` or ``"tie"`` where the interval holds 0 (also where it is undefined)."""
    if found.low > 0:
        return "more"
    return "less" if found.high < 0 else "tie"
