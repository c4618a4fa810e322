"""The two cohorts: where their features lie, their graph, their folds, and the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.io.cohort import Cohort
from wsigraph.training.splits import Split, make_folds

FOLDS = 5


@dataclass(frozen=True)
class Study:
    """One cohort of the study.

    Args:
        name: As on the command line.
        title: One line for the page.
        classes: Class names, the positive one last.
        in_channels: Width of the features.
        graph: Graph builder of the arms that have one.
        settings: Protocol, the same for every arm.
    """

    name: str
    title: str
    classes: tuple[str, str]
    in_channels: int
    graph: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def cohort(self, work: Path, *, coords: str = "true", permuted: bool = False) -> Cohort:
        """Slides of the prepared folder, with true or shuffled coordinates."""
        folder = work / self.name
        manifest = folder / ("permuted.csv" if permuted else "manifest.csv")
        return Cohort.from_manifest(manifest, features=folder / coords, classes=self.classes)

    def splits(self, cohort: Cohort, seed: int) -> list[Split]:
        """Folds of one seed: drawn anew, or the official ones where the cohort has them."""
        official = [slide.split for slide in cohort.slides]
        if not any(official):
            return make_folds(cohort.labels, cohort.patients, folds=FOLDS, seed=seed)
        sides = np.array([row.split("/") for row in official])
        return [_official(sides[:, fold], fold) for fold in range(sides.shape[1])]


def _official(sides: np.ndarray, fold: int) -> Split:
    train, val, test = (tuple(np.flatnonzero(sides == side).tolist()) for side in ("train", "val", "test"))
    return Split(0, fold, train, val, test)


STUDIES = {
    "crchisto": Study(
        "crchisto",
        "100 H&E images of colon, the 22,444 labelled nuclei as nodes",
        ("none", "epithelial"),
        48,
        {"name": "radius", "um": 31.35},
        {"optimiser.epochs": 8, "sampler.slides_per_step": 1, "checkpoint.patience": 20},
    ),
    "gg_pt1": Study(
        "gg_pt1",
        "520 glands of pT1 colorectal cancer, their 48,590 nuclei as nodes",
        ("normal", "dysplastic"),
        33,
        {"name": "knn", "k": 8},
        {"optimiser.epochs": 6, "sampler.slides_per_step": 4, "checkpoint.patience": 20},
    ),
}
