"""Colon cancer images with their nuclei as nodes: is any of them epithelial?

Whatever else reads these images (studies in ``benchmarks/``) takes their nuclei from here. The length of
training was chosen on the first fold of seed 0: ``mean_pool``, ``abmil`` and ``gin`` have levelled off on
validation.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import sha256
from wsigraph.io.slides import open_slide
from wsigraph.patches.nucleus_window import COLUMNS, WINDOW_PX, statistics, windows
from wsigraph.pipelines.benchmark.entrants import wished
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.suite import Suite, Wish

BAGS, NUCLEI = "bags.csv", "nuclei_by_class.csv"
CLASSES = ("none", "epithelial")
MPP = 0.55
"""Of the images, um/px."""
FOLDS = 5
GRAPH = {"name": "knn", "k": 8}
SETTINGS = {"optimiser.epochs": 15, "sampler.slides_per_step": 2, "checkpoint.patience": 20}


class CrcHisto(Suite, name="crchisto"):
    """100 H&E images of 500 x 500 pixels; an image is a bag, its 22,444 nuclei of known class the nodes.

    A nucleus is 48 statistics of the 27 pixels around it. The set has no patient ids: folds are by image,
    which is optimistic where a patient gave several.

    Source: Sirinukunwattana et al. 2016; bags as in Ilse et al. 2018. Differs: they cut patches around all
    nuclei and learn from pixels.
    """

    title = "crchisto: 100 colon images, nuclei as nodes; folds by image, no patient ids, hence optimistic"
    names = ("crchisto",)
    needs = "crchisto"

    def contest(self, name: str, wish: Wish) -> Contest:
        """The images."""
        source, folder = self.source(wish), wish.work / self.name
        facts = {file: sha256(source / file) for file in (BAGS, NUCLEI)}
        images = read_marks(source)
        cohort = prepared(
            folder,
            lambda: (Bag(nuclei_of(source, one), one.name, CLASSES[one.label]) for one in images),
            slides=len(images),
            facts=facts,
            classes=CLASSES,
            reporter=wish.reporter,
        )
        recipes = wished(wish, in_channels=len(COLUMNS), classes=CLASSES, graph=GRAPH, settings=SETTINGS)
        return Contest(name, cohort, recipes, folds=FOLDS)


@dataclass(frozen=True)
class Marked:
    """An image whose nuclei were marked by hand.

    Args:
        name: Of the image; slide and patient alike.
        label: 1 if any nucleus is epithelial.
        centres: ``[N, 2]`` float64 (x, y) of the nuclei of known class.
        classes: ``[N]`` text, the class of each; for scoring alone, no training reads it.

    Units: pixels of the image, ``MPP`` um/px.
    """

    name: str
    label: int
    centres: np.ndarray
    classes: np.ndarray


def read_marks(source: Path) -> list[Marked]:
    """All images, in the order of ``bags.csv``.

    Args:
        source: Folder of ``bags.csv`` and ``nuclei_by_class.csv``.

    Raises: CohortError: if an image has no nucleus of known class.
    """
    nuclei: dict[str, list[dict[str, str]]] = {}
    for row in _rows(source / NUCLEI):
        nuclei.setdefault(row["image"], []).append(row)
    found = []
    for bag in _rows(source / BAGS):
        name = bag["image"]
        if name not in nuclei:
            raise CohortError(expected(f"Image '{name}'", "at least one labelled nucleus", "none"))
        centres = np.array([[float(row["x"]), float(row["y"])] for row in nuclei[name]])
        classes = np.array([row["class"] for row in nuclei[name]])
        found.append(Marked(name, int(bag["label_any_epithelial"]), centres, classes))
    return found


def cut(source: Path, marked: Marked) -> tuple[np.ndarray, np.ndarray]:
    """Corners and pixels of the windows around the marked nuclei.

    Args:
        source: Folder whose ``images`` hold the picture.
        marked: Whose.

    Shape: ``[N, 2]`` int64 (x, y), ``[N, 27, 27, 3]`` uint8, mirrored at the image's border.
    Raises: SlideError: if the picture is not there or damaged.
    """
    with open_slide(source / "images" / f"{marked.name}.png") as picture:
        size = picture.info.levels[0]
        image = picture.read_region(0, 0, level=0, width=size.width, height=size.height)
    limit = np.array([size.width, size.height]) - 1
    corners = np.clip(np.floor(marked.centres).astype(np.int64), 0, limit) - WINDOW_PX // 2
    return corners, windows(image, corners)


def nuclei_of(source: Path, marked: Marked) -> PatchFeatures:
    """The nuclei of an image as nodes: 48 statistics each, in the order of the marks."""
    corners, pixels = cut(source, marked)
    return PatchFeatures(
        marked.name,
        statistics(pixels),
        corners,
        patch_size_level0=WINDOW_PX,
        patch_px=WINDOW_PX,
        step_level0=0,
        mpp=MPP,
        target_mpp=MPP,
        encoder=f"nucleus_window_{len(COLUMNS)}",
    )


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
