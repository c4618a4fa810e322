"""The encoded patches of one slide: what a feature file holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from wsigraph.errors import FeatureError, expected

COORD_LIMIT = 2**31
"""No scanner writes slides of 2**31 pixels: a coordinate beyond it is a broken file."""

BLOCK_BYTES = 2**19

NO_JOINS = np.empty((0, 4), dtype=np.int64)
"""Edges of features that come with none."""


@dataclass(frozen=True)
class PatchFeatures:
    """One row per patch.

    Args:
        slide_id: Name of the slide.
        x: ``[N, C]`` float16 or float32 features.
        coords: ``[N, 2]`` int64, top-left corners (x, y); ``[0, 2]`` where the file has none.
        patch_size_level0: Side of a patch in level-0 pixels, NaN where unknown.
        patch_px: Side of a patch as encoded, 0 where unknown.
        step_level0: Lattice step in level-0 pixels, NaN where unknown (then inferred from coords).
        mpp: Microns per level-0 pixel, NaN where unknown.
        target_mpp: Microns per pixel of the encoded patch, NaN where unknown.
        encoder: Name of the patch encoder, ``""`` where unknown.
        source: Layout the features were read from (``"wsigraph"``, ``"trident"``, ``"clam"`` ...).
        level0_known: False where coordinates are pixels of another size than the slide's own, as of files in
            um: graphs are right, and what is drawn on the slide needs :func:`on_level0` first.
        notes: What a reader inferred or mended, one sentence each, for the graph card.
        joins: ``[J, 4]`` int64, edges that came with the data: the coords (x, y) of one end, then of the
            other, in either direction; for builder ``given`` alone. Ends are places, so that they hold
            however rows are ordered.

    Units: level-0 pixels for coords, joins and ``*_level0``; um/px for ``*mpp``.
    Raises: FeatureError: on mismatched lengths, NaN or inf, or impossible coordinates.
    """

    slide_id: str
    x: np.ndarray
    coords: np.ndarray
    patch_size_level0: float = math.nan
    patch_px: int = 0
    step_level0: float = math.nan
    mpp: float = math.nan
    target_mpp: float = math.nan
    encoder: str = ""
    source: str = ""
    level0_known: bool = True
    notes: tuple[str, ...] = field(default=())
    joins: np.ndarray = field(default_factory=NO_JOINS.copy)

    def __post_init__(self) -> None:
        where = f"PatchFeatures '{self.slide_id}'"
        if self.x.ndim != 2:
            raise FeatureError(expected(where, "x of shape [N, C]", f"{list(self.x.shape)}"))
        if self.coords.shape not in ((len(self.x), 2), (0, 2)):
            raise FeatureError(
                expected(
                    where,
                    f"coords of shape [{len(self.x)}, 2] ({len(self.x)} rows of x)",
                    f"{list(self.coords.shape)}",
                    todo="Features and coordinates must come from the same run.",
                )
            )
        if self.joins.ndim != 2 or self.joins.shape[1] != 4:
            raise FeatureError(expected(where, "joins of shape [J, 4]", f"{list(self.joins.shape)}"))
        self._check_values(where)

    def _check_values(self, where: str) -> None:
        bad = nonfinite_rows(self.x)
        if len(bad):
            raise FeatureError(
                expected(
                    where,
                    "finite features",
                    f"NaN or inf in {len(bad)} of {len(self.x)} rows (first rows {bad[:5].tolist()})",
                    todo="Encode the slide again, or read with drop_nonfinite=True to leave them out.",
                )
            )
        if len(self.coords) and (self.coords.min() < -COORD_LIMIT or self.coords.max() > COORD_LIMIT):
            worst = self.coords.flat[np.abs(self.coords).argmax()]
            raise FeatureError(
                expected(where, f"coords within +-{COORD_LIMIT} px", f"{worst}", todo="The file is damaged.")
            )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def has_coords(self) -> bool:
        """Whether it is known where the patches lie; if not, only set methods can use them."""
        return len(self.coords) == len(self.x)


def on_level0(features: PatchFeatures, slide_mpp: float) -> PatchFeatures:
    """The same patches in level-0 pixels of the slide; as they are where they are so already.

    Args:
        features: Patches of one slide.
        slide_mpp: Microns per level-0 pixel of the slide.

    Units: level-0 pixels of the slide, rounded to whole ones.
    Raises: FeatureError: if the size of the coordinates' pixels, or the slide's mpp, is unknown.
    """
    if features.level0_known:
        return features
    if not (features.mpp > 0 and slide_mpp > 0):
        raise FeatureError(
            expected(
                f"PatchFeatures '{features.slide_id}'",
                "coordinates of known length and a slide of known mpp",
                f"{features.mpp:g} um per pixel of the coordinates, slide mpp {slide_mpp:g}",
                todo="Give the slide, and --slide-mpp where it says none; numbers of tiles have no length.",
            )
        )
    scale = features.mpp / slide_mpp
    return replace(
        features,
        coords=np.rint(features.coords * scale).astype(np.int64),
        joins=np.rint(features.joins * scale).astype(np.int64),
        patch_size_level0=features.patch_size_level0 * scale,
        step_level0=features.step_level0 * scale,
        mpp=slide_mpp,
        level0_known=True,
        notes=(*features.notes, f"coordinates scaled by {scale:.4g} to the slide's level 0"),
    )


def nonfinite_rows(x: np.ndarray) -> np.ndarray:
    """Rows of ``x`` with NaN or inf, found in blocks that stay in the processor's cache.

    Args:
        x: ``[N, C]`` floats.

    Returns: Row numbers, ascending.
    """
    rows = max(1, BLOCK_BYTES // max(1, x.shape[1] * x.itemsize))
    blocks = ((start, x[start : start + rows]) for start in range(0, len(x), rows))
    bad = [
        start + np.flatnonzero(~np.isfinite(block).all(axis=1))
        for start, block in blocks
        if not _sound(block)
    ]
    return np.concatenate(bad) if bad else np.empty(0, dtype=np.int64)


def _sound(block: np.ndarray) -> bool:
    if block.dtype != np.float16:
        return bool(np.isfinite(block).all())
    # float16 arithmetic is slow: inf and NaN are told by their bits, the largest of either sign
    positive, negative = block.view(np.int16).max(initial=0), block.view(np.uint16).max(initial=0)
    return bool(positive < 0x7C00 and negative < 0xFC00)
