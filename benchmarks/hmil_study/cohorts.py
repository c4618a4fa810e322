"""The cohorts: made-up slides over a made-up tree, and real nuclei over a tree of the images' own labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.io.cohort import Cohort
from wsigraph.synthetic.hierarchy import synthetic_tree
from wsigraph.training.splits import Split, draw_folds
from wsigraph.training.strata import patient_strata

FOLDS = 5

TISSUE = tree_from_dict(
    {
        "no epithelium": ("fibroblasts", "inflammation", "other cells"),
        "epithelium": ("mostly epithelium", "some epithelium"),
    },
    levels=("tissue", "cells"),
)
"""Tree of the colon images: whether there is an epithelial nucleus, then which cells there are."""


@dataclass(frozen=True)
class Study:
    """One cohort of the study.

    Args:
        name: As on the command line.
        title: One line for the page.
        caveat: What a reader must know of it.
        tree: The classes.
        in_channels: Width of the features.
        graph: Graph builder of the arms that have one.
        settings: Protocol, the same for every arm.
    """

    name: str
    title: str
    caveat: str
    tree: LabelTree
    in_channels: int
    graph: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Hierarchy:
        """The question, with the columns of the prepared manifest."""
        return Hierarchy(self.tree, target_col=",".join(self.tree.levels))

    def cohort(self, work: Path) -> Cohort:
        """Slides of the prepared folder."""
        folder = work / self.name
        return Cohort.from_manifest(folder / "manifest.csv", features=folder / "features", task=self.task)

    def splits(self, cohort: Cohort, seed: int) -> list[Split]:
        """Folds of one seed, by patient and by finest known class."""
        strata = patient_strata(cohort.strata, cohort.patients, folds=FOLDS)
        return draw_folds(strata, cohort.patients, folds=FOLDS, seed=seed)


def cells_class(kinds: Counter[str]) -> tuple[str, str]:
    """Both labels of a colon image from its counts of labelled nuclei.

    With an epithelial nucleus: whether more than half of all are epithelial. Without: the most frequent kind,
    of equal ones the one that comes first in the alphabet.
    """
    if kinds["epithelial"]:
        most = 2 * kinds["epithelial"] > kinds.total()
        return "epithelium", "mostly epithelium" if most else "some epithelium"
    top = min(kinds, key=lambda kind: (-kinds[kind], kind))
    names = {"fibroblast": "fibroblasts", "inflammatory": "inflammation", "others": "other cells"}
    return "no epithelium", names[top]


PROTOCOL = {
    "optimiser.epochs": 40,
    "optimiser.lr": 1e-3,
    "sampler.slides_per_step": 16,
    "checkpoint.patience": 40,
}

STUDIES = {
    "synthetic": Study(
        "synthetic",
        "140 synthetic slides of 7 classes in 3 groups, siblings subtly different, a fifth labelled coarsely",
        "Synthetic: made-up features with a known signal. They say what the method does where its assumption "
        "holds, and nothing of tissue.",
        synthetic_tree(),
        16,
        {"name": "knn", "k": 8},
        PROTOCOL,
    ),
    "crchisto": Study(
        "crchisto",
        "100 H&E images of colon, the 22,444 labelled nuclei as patches, 5 classes of cells in 2 of tissue",
        "These images carry no patients, so folds are by image and optimistic; the classes are counts of the "
        "same nuclei that are the patches, labels of nuclei themselves are never seen.",
        TISSUE,
        48,
        {"name": "radius", "um": 31.35},
        PROTOCOL,
    ),
}
