"""The pixels of crchisto: a bag per image, an instance per labelled nucleus, its truth kept apart."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.srmil_study.nuclei import WINDOW_PX, windows
from wsigraph.errors import CohortError, expected

CLASSES = ("none", "epithelial")
POSITIVE = "epithelial"
MPP = 0.55


@dataclass(frozen=True)
class ImagePatches:
    """The patches of one image, held in memory: all 100 images take 49 MB.

    Args:
        name: Name of the image, as slide and patient; the set has no patient ids.
        pixels: ``[N, 27, 27, 3]`` uint8 RGB around each labelled nucleus, mirrored at the image's border.
        centres: ``[N, 2]`` float64 (x, y), where the nuclei were marked.
        label: Index into ``CLASSES``: 1 if any nucleus is epithelial.

    Units: pixels of the image, ``MPP`` um/px.
    """

    name: str
    pixels: np.ndarray
    centres: np.ndarray
    label: int

    def __len__(self) -> int:
        return len(self.pixels)


def load(data: Path) -> list[ImagePatches]:
    """All images, in the order of ``bags.csv``.

    Args:
        data: The folder of crchisto.

    Raises: CohortError: if an image has no labelled nucleus.
    """
    nuclei = _nuclei(data)
    return [_cut(data, row["image"], nuclei, int(row["label_any_epithelial"])) for row in _bags(data)]


def truth(data: Path) -> dict[str, np.ndarray]:
    """Which patches are epithelial, by image, in the order of their pixels.

    For scoring alone: training sees ``load`` and never this.

    Returns: ``[N]`` int64, 1 or 0, by name.
    """
    nuclei = _nuclei(data)
    return {
        row["image"]: np.array([one["class"] == POSITIVE for one in nuclei[row["image"]]], np.int64)
        for row in _bags(data)
    }


def gather(images: Sequence[ImagePatches], image: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """The pixels of some patches, as mining names them.

    Args:
        images: What was mined.
        image: ``[M]`` int, place in ``images``.
        patch: ``[M]`` int, row in that image.

    Shape: ``[M, 27, 27, 3]`` uint8.
    """
    found = np.empty((len(image), WINDOW_PX, WINDOW_PX, 3), np.uint8)
    for place in np.unique(image):
        mine = image == place
        found[mine] = images[place].pixels[patch[mine]]
    return found


def _cut(data: Path, name: str, nuclei: dict[str, list[dict[str, str]]], label: int) -> ImagePatches:
    if name not in nuclei:
        raise CohortError(expected(f"Image '{name}'", "at least one labelled nucleus", "none"))
    with Image.open(data / "images" / f"{name}.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    centres = np.array([[float(one["x"]), float(one["y"])] for one in nuclei[name]])
    last = np.array([pixels.shape[1], pixels.shape[0]]) - 1
    corners = np.clip(np.floor(centres).astype(np.int64), 0, last) - WINDOW_PX // 2
    return ImagePatches(name, windows(pixels, corners), centres, label)


def _nuclei(data: Path) -> dict[str, list[dict[str, str]]]:
    nuclei: dict[str, list[dict[str, str]]] = {}
    for row in _rows(data / "nuclei_by_class.csv"):
        nuclei.setdefault(row["image"], []).append(row)
    return nuclei


def _bags(data: Path) -> list[dict[str, str]]:
    return _rows(data / "bags.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
