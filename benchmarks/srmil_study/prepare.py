"""Feature files and manifests of both cohorts, with true and with shuffled coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import wsigraph as wg
from wsigraph.io.atomic import write_text
from wsigraph.pipelines.benchmark.prepared import Bag
from wsigraph.pipelines.benchmark.suites.crchisto import CLASSES, nuclei_of, read_marks
from wsigraph.pipelines.benchmark.suites.gg_pt1 import FILE, official_splits, read_glands
from wsigraph.training.seeds import mix

Row = tuple[str, str, str, str]
"""slide_id, patient_id, label, split."""


def prepare(name: str, data: Path, work: Path) -> None:
    """Write ``work/name/{true,shuffled}/*.h5``, ``manifest.csv``, ``permuted.csv`` and, beside them, truth.

    Truth per nucleus stands in ``truth/``, a folder that no training reads.

    Args:
        name: ``"crchisto"`` or ``"gg_pt1"``.
        data: Folder of the real data.
        work: Where to write.
    """
    found = {"crchisto": _crchisto, "gg_pt1": _gg_pt1}[name](data / name)
    folder, rows = work / name, []
    for bag, split, truth in found:
        features = bag.features
        rows.append((features.slide_id, bag.patient_id, bag.label, split))
        wg.write_features(folder / "true" / f"{features.slide_id}.h5", features)
        wg.write_features(folder / "shuffled" / f"{features.slide_id}.h5", shuffled(features))
        if truth is not None:
            text = "\n".join(("epithelial", *map(str, truth.astype(int)))) + "\n"
            write_text(folder / "truth" / f"{features.slide_id}.csv", text)
    _write_manifest(folder / "manifest.csv", rows)
    labels = np.random.default_rng(0).permutation([row[2] for row in rows])
    mixed = [(row[0], row[1], str(label), row[3]) for row, label in zip(rows, labels, strict=True)]
    _write_manifest(folder / "permuted.csv", mixed)


def shuffled(features: wg.PatchFeatures) -> wg.PatchFeatures:
    """The same nodes at each other's places: the graph keeps its shape, its neighbourhoods mean nothing."""
    order = np.random.default_rng(mix(0, "shuffle", features.slide_id)).permutation(len(features))
    return replace(features, coords=features.coords[order])


def _write_manifest(path: Path, rows: list[Row]) -> None:
    lines = ["slide_id,patient_id,label,split", *(",".join(row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def _crchisto(source: Path) -> Iterator[tuple[Bag, str, np.ndarray | None]]:
    for one in read_marks(source):
        yield Bag(nuclei_of(source, one), one.name, CLASSES[one.label]), "", one.classes == "epithelial"


def _gg_pt1(source: Path) -> Iterator[tuple[Bag, str, np.ndarray | None]]:
    """With the side of each official split."""
    sides: dict[str, list[str]] = {}
    for split in official_splits(source / FILE).splits:
        for side, names in split.sides.items():
            for name in names:
                sides.setdefault(name, []).append(side)
    for bag in read_glands(source / FILE):
        yield bag, "/".join(sides[bag.features.slide_id]), None
