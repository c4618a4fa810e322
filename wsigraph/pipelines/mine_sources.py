"""Where the raw patches of a slide come from: rows of its feature file, or pixels of its image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError, expected
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.features import read_features
from wsigraph.io.slides import open_slide, read_patches
from wsigraph.patches.placed import patches_at
from wsigraph.pipelines.slides import images_by_slide

BATCH = 256
"""Patches read at a time."""


class RawPatches(Protocol):
    """Raw patches of the slides of a cohort, as a patch network reads them."""

    def read(self, slide: Slide, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Batches of raw patches of a slide; nothing else of it is read.

        Args:
            slide: Of the cohort, with its first feature file.
            rows: ``[n]`` rows of that file, in order; all of them where None.
        """

    def row_bytes(self, example: PatchFeatures) -> int:
        """Bytes of one raw patch of a slide."""


@dataclass(frozen=True)
class FeatureRows:
    """Frozen features: a raw patch is its row."""

    def read(self, slide: Slide, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """See :class:`RawPatches`: float32; the file is read as a whole, only these rows are kept."""
        x = read_features(slide.path, slide_id=slide.slide_id).x
        wanted = x if rows is None else x[rows]
        for start in range(0, len(wanted), BATCH * 16):
            yield wanted[start : start + BATCH * 16].astype(np.float32, copy=False)

    def row_bytes(self, example: PatchFeatures) -> int:
        """See :class:`RawPatches`."""
        return 4 * example.x.shape[1]


@dataclass(frozen=True)
class SlidePixels:
    """Pixels of slides or plain images: a raw patch is a square of them.

    Args:
        images: File of each slide.
    """

    images: Mapping[str, Path]

    def read(self, slide: Slide, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """See :class:`RawPatches`; patches lie where the feature file says."""
        features = read_features(slide.path, slide_id=slide.slide_id)
        some = (
            features if rows is None else replace(features, x=features.x[rows], coords=features.coords[rows])
        )
        yield from read_pixels(some, self.images[slide.slide_id])

    def row_bytes(self, example: PatchFeatures) -> int:
        """See :class:`RawPatches`."""
        return 3 * example.patch_px**2


def pixels_of(cohort: Cohort, images: str | Path | Sequence[str | Path]) -> SlidePixels:
    """The images of a cohort, found by name.

    Args:
        cohort: Its slides.
        images: Files, or folders of them.

    Raises: SlideError: if there are no images. CohortError: if a slide has none.
    """
    found = images_by_slide([images] if isinstance(images, str | Path) else images)
    lacking = [slide.slide_id for slide in cohort.slides if slide.slide_id not in found]
    if lacking:
        got = f"none for {len(lacking)} of {len(cohort)}, such as '{lacking[0]}'"
        todo = "Images are found by the name of their slide."
        raise CohortError(expected("Mining on pixels", "an image of every slide", got, todo=todo))
    return SlidePixels({slide.slide_id: found[slide.slide_id] for slide in cohort.slides})


def read_pixels(features: PatchFeatures, image: Path) -> Iterator[np.ndarray]:
    """Batches of pixels ``[b, patch_px, patch_px, 3]`` uint8 of the patches of a slide, in their order.

    Args:
        features: Say where patches lie and how large they are.
        image: The slide.
    """
    mpp = features.mpp if np.isfinite(features.mpp) else None
    with open_slide(image, slide_mpp=mpp) as reader:
        yield from read_patches(reader, patches_at(reader.info, features), batch_size=BATCH)
