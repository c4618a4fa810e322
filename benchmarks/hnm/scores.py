"""Finished fits as numbers with intervals: of images, of nuclei, and of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.srmil_study import scores as of_images
from benchmarks.srmil_study.scores import Answers
from wsigraph.evaluation.instances import instance_auc, instance_intervals
from wsigraph.evaluation.intervals import Interval

FOLDS = {"crchisto": 10}


@dataclass(frozen=True)
class Measured:
    """One arm, over the seeds of which every fold is finished.

    Args:
        answers: Bag answers; ``attention`` is the AUC of nuclei inside each positive image.
        truth: Which nuclei are epithelial, by image.
    """

    answers: Answers
    truth: Mapping[str, np.ndarray]

    @property
    def comparable(self) -> bool:
        """Whether nuclei of different images may be compared: by probability they may, by attention not."""
        return all(row["comparable"] for record in self.answers.records for row in record["slides"])

    def instances(self) -> Interval | None:
        """AUC of all nuclei of all test images, scores averaged over the seeds; images are resampled."""
        if not self.comparable:
            return None
        held: dict[str, list[np.ndarray]] = {}
        for record in self.answers.records:
            for row in record["slides"]:
                held.setdefault(row["slide_id"], []).append(np.array(row["nuclei"]))
        names = sorted(held)
        scores = np.concatenate([np.mean(held[name], axis=0) for name in names])
        truth = np.concatenate([self.truth[name] for name in names])
        patients = np.repeat(names, [len(self.truth[name]) for name in names])
        return instance_intervals(truth, scores, patients)["auc"]

    def seconds(self) -> float:
        """Processor's seconds of all folds of one seed."""
        return sum(record["seconds"] for record in self.answers.records) / len(self.answers.seeds)

    def round_seconds(self) -> dict[str, float]:
        """Seconds of one round on one fold, by what is done in it."""
        spent: dict[str, list[float]] = {}
        for record in self.answers.records:
            for name, seconds in record["tasks"].items():
                kind = name.rpartition(": ")[2]
                spent.setdefault(kind, []).append(seconds)
        return {kind: float(np.mean(values)) for kind, values in spent.items()}

    def read(self) -> float | None:
        """Share of the training patches that the last epoch of a round reads, positive and hard negative."""
        rounds = [one for record in self.answers.records for one in record["rounds"] if "negatives" in one]
        if not rounds:
            return None
        return float(np.mean([(r["positives"] + r["negatives"]) / r["train_patches"] for r in rounds]))


def load(work: Path, truth: Mapping[str, np.ndarray]) -> dict[str, Measured]:
    """All finished fits by arm, complete seeds only.

    Args:
        work: Folder whose ``fits/`` holds them.
        truth: Which nuclei are epithelial, by image.
    """
    found = of_images.load(work, folds=FOLDS)
    return {arm: Measured(_with_within(answers, truth), truth) for (_, arm), answers in found.items()}


def _with_within(answers: Answers, truth: Mapping[str, np.ndarray]) -> Answers:
    """The answers with the AUC of the nuclei inside each positive image."""
    records = tuple({**r, "slides": [_within(row, truth) for row in r["slides"]]} for r in answers.records)
    return replace(answers, records=records)


def _within(row: dict[str, Any], truth: Mapping[str, np.ndarray]) -> dict[str, Any]:
    known = truth[row["slide_id"]]
    both = 0 < known.sum() < len(known)
    found = instance_auc(known, np.array(row["nuclei"])) if both and row["label"] else None
    return {**row, "attention_auc": found}
