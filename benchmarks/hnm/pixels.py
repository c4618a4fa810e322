"""The pixels of crchisto: a bag per image, an instance per labelled nucleus, its truth kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wsigraph.patches.nucleus_window import WINDOW_PX
from wsigraph.pipelines.benchmark.suites.crchisto import cut, read_marks

POSITIVE = "epithelial"


@dataclass(frozen=True)
class ImagePatches:
    """The patches of one image, held in memory: all 100 images take 49 MB.

    Args:
        name: Name of the image, as slide and patient; the set has no patient ids.
        pixels: ``[N, 27, 27, 3]`` uint8 RGB around each labelled nucleus, mirrored at the image's border.
        centres: ``[N, 2]`` float64 (x, y), where the nuclei were marked.
        label: Index into the suite's ``CLASSES``: 1 if any nucleus is epithelial.

    Units: pixels of the image, .55 um/px.
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
    return [ImagePatches(one.name, cut(data, one)[1], one.centres, one.label) for one in read_marks(data)]


def truth(data: Path) -> dict[str, np.ndarray]:
    """Which patches are epithelial, by image, in the order of their pixels.

    For scoring alone: training sees ``load`` and never this.

    Returns: ``[N]`` int64, 1 or 0, by name.
    """
    return {one.name: (one.classes == POSITIVE).astype(np.int64) for one in read_marks(data)}


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
