"""Glands of pT1 colorectal cancer as graphs of their nuclei: normal or dysplastic?

Whatever else reads these glands (studies in ``benchmarks/``) takes them from here. The length of training
was chosen on the first official fold: of 15 epochs the validation loss of ``gin``, ``abmil`` and ``gat``
was lowest after 5, 8 and 11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import sha256
from wsigraph.io.splits import NamedSplit, SplitSet
from wsigraph.io.splits.named import SIDES
from wsigraph.pipelines.benchmark.entrants import wished
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.suite import Suite, Wish

FILE = "gg_pt1_graphs.npz"
CLASSES = ("normal", "dysplastic")
IN_CHANNELS = 33
MPP = 0.1
"""Centres are written in tenths of a micrometre, the grain of the source."""
GRAPHS_BY_CONTEST: Mapping[str, Mapping[str, Any]] = {
    "gg_pt1_knn": {"name": "knn", "k": 8},
    "gg_pt1_paper": {"name": "given"},
}
"""The paper's edges go from a nucleus to two others, of which 82 % are its two nearest by centre: they are no
k-NN graph of the centres that are published, so that the file carries them."""

SETTINGS = {"optimiser.epochs": 12, "sampler.slides_per_step": 8, "checkpoint.patience": 20}


class GgPt1(Suite, name="gg_pt1"):
    """520 glands, 48,590 nuclei of 33 named features each; the official four splits by image.

    ``gg_pt1_knn`` joins each nucleus to its 8 nearest, ``gg_pt1_paper`` as the paper does, to two others.
    Differs: the paper's edges have a direction; here they are passed both ways, as in every graph.

    Source: Studer et al. 2021, whose best accuracy is .833.
    """

    title = "gg_pt1: 520 glands of pT1 colorectal cancer, nuclei as nodes, official 4 folds by image"
    names = tuple(GRAPHS_BY_CONTEST)
    needs = "gg_pt1"

    def contest(self, name: str, wish: Wish) -> Contest:
        """The same glands on one of the graphs."""
        source, folder = self.source(wish) / FILE, wish.work / self.name
        held = _held(source)
        cohort = prepared(
            folder,
            lambda: read_glands(source),
            slides=len(held["y"]),
            facts={"source": sha256(source)},
            classes=CLASSES,
            reporter=wish.reporter,
        )
        recipes = wished(
            wish, in_channels=IN_CHANNELS, classes=CLASSES, graph=GRAPHS_BY_CONTEST[name], settings=SETTINGS
        )
        return Contest(name, cohort, recipes, splits=official_splits(source))


def read_glands(source: Path) -> Iterator[Bag]:
    """Every gland; the patient is the image it was cut from, since nothing nearer is known.

    Args:
        source: The file of graphs.

    Units: tenths of a um for coords.
    """
    held = _held(source)
    nodes, edges = held["ptr"], held["edge_ptr"]
    for i in range(len(held["y"])):
        start, end = nodes[i : i + 2]
        centres = np.round(held["pos_um"][start:end] / MPP).astype(np.int64)
        pairs = held["edge_index_paper"][:, edges[i] : edges[i + 1]]
        features = PatchFeatures(
            str(held["graph_id"][i]),
            held["x"][start:end],
            centres,
            step_level0=0,
            mpp=MPP,
            encoder=f"gg_pt1_{IN_CHANNELS}",
            joins=centres[pairs].transpose(1, 0, 2).reshape(-1, 4),
        )
        yield Bag(features, str(held["image_id"][i]), CLASSES[int(held["y"][i])])


def official_splits(source: Path) -> SplitSet:
    """The four official splits by image, as folds of one repeat.

    Args:
        source: The file of graphs.
    """
    held = _held(source)
    names = held["graph_id"].tolist()
    folds = tuple(
        NamedSplit(
            0, fold, *(tuple(n for n, s in zip(names, sides, strict=True) if s == side) for side in SIDES)
        )
        for fold, sides in enumerate(held["split"].T.tolist())
    )
    return SplitSet(folds, f"Splits of '{source.name}'", kind="official, by image")


def _held(source: Path) -> dict[str, np.ndarray]:
    with np.load(source, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
