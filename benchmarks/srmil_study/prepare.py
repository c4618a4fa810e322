"""Feature files and manifests of both cohorts, with true and with shuffled coordinates."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import wsigraph as wg
from benchmarks.srmil_study.nuclei import COLUMNS, WINDOW_PX, statistics, windows
from wsigraph.io.atomic import write_text
from wsigraph.training.seeds import mix

CRCHISTO_MPP = 0.55
GG_PT1_MPP = 0.1
"""Centres are written in tenths of a micrometre, the grain of the source."""

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
    found = {"crchisto": crchisto, "gg_pt1": _gg_pt1}[name](data / name)
    folder, rows = work / name, []
    for features, row, truth in found:
        rows.append(row)
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
    from dataclasses import replace

    order = np.random.default_rng(mix(0, "shuffle", features.slide_id)).permutation(len(features))
    return replace(features, coords=features.coords[order])


def _write_manifest(path: Path, rows: list[Row]) -> None:
    lines = ["slide_id,patient_id,label,split", *(",".join(row) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def crchisto(data: Path) -> Iterator[tuple[wg.PatchFeatures, Row, np.ndarray | None]]:
    """Features of the labelled nuclei of each image, its row of the manifest, and which are epithelial."""
    nuclei: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(data / "nuclei_by_class.csv"):
        nuclei.setdefault(row["image"], []).append(row)
    for bag in read_rows(data / "bags.csv"):
        name, mine = bag["image"], nuclei[bag["image"]]
        with Image.open(data / "images" / f"{name}.png") as picture:
            image = np.asarray(picture.convert("RGB"))
        places = np.array([[float(row["x"]), float(row["y"])] for row in mine])
        limit = np.array([image.shape[1], image.shape[0]]) - 1
        corners = np.clip(np.floor(places).astype(np.int64), 0, limit) - WINDOW_PX // 2
        features = wg.PatchFeatures(
            name,
            statistics(windows(image, corners)),
            corners,
            patch_size_level0=WINDOW_PX,
            patch_px=WINDOW_PX,
            step_level0=0,
            mpp=CRCHISTO_MPP,
            target_mpp=CRCHISTO_MPP,
            encoder=f"nucleus_window_{len(COLUMNS)}",
        )
        label = "epithelial" if bag["label_any_epithelial"] == "1" else "none"
        yield features, (name, name, label, ""), np.array([row["class"] == "epithelial" for row in mine])


def _gg_pt1(data: Path) -> Iterator[tuple[wg.PatchFeatures, Row, np.ndarray | None]]:
    with np.load(data / "gg_pt1_graphs.npz", allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    for i, (start, end) in enumerate(zip(held["ptr"][:-1], held["ptr"][1:], strict=True)):
        features = wg.PatchFeatures(
            str(held["graph_id"][i]),
            held["x"][start:end],
            np.round(held["pos_um"][start:end] / GG_PT1_MPP).astype(np.int64),
            step_level0=0,
            mpp=GG_PT1_MPP,
            encoder="gg_pt1_33",
        )
        label = ("normal", "dysplastic")[int(held["y"][i])]
        split = "/".join(held["split"][i].tolist())
        yield features, (features.slide_id, str(held["image_id"][i]), label, split), None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV by column."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
