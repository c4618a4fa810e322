"""Patches at a requested resolution on one global lattice: arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wsigraph.data.box import Box
from wsigraph.data.patches import Patches
from wsigraph.data.slide_info import SlideInfo
from wsigraph.errors import TilingError, expected
from wsigraph.patches.mpp import check_mpp

AS_IS = 0.05
"""A level within this relative distance of the requested mpp is read as it is."""


@dataclass(frozen=True)
class Tiling:
    """What patches are asked for.

    Args:
        patch_px: Side of a patch as encoded.
        mpp: Microns per pixel of the encoded patch.
        overlap_px: Overlap of neighbours, in pixels of the encoded patch.
        min_tissue: Least share of tissue of a kept patch, 0..1; 0 keeps the whole lattice.
        allow_upsampling: Accept patches finer than the slide itself.

    Raises: TilingError: if a value cannot be met by any slide.
    Units: pixels at ``mpp`` um/px.
    """

    patch_px: int = 256
    mpp: float = 0.5
    overlap_px: int = 0
    min_tissue: float = 0.25
    allow_upsampling: bool = False

    def __post_init__(self) -> None:
        for holds, what, got in (
            (self.patch_px >= 1, "patch_px of at least 1", self.patch_px),
            (0 < self.mpp < math.inf, "a positive mpp", self.mpp),
            (0 <= self.overlap_px < self.patch_px, f"0 <= overlap_px < {self.patch_px}", self.overlap_px),
            (0 <= self.min_tissue <= 1, "min_tissue between 0 and 1", self.min_tissue),
        ):
            if not holds:
                raise TilingError(expected("Tiling", what, f"{got}"))


@dataclass(frozen=True)
class PatchGeometry:
    """The sizes a tiling has on one slide; see ``Patches`` for the words and a worked example.

    Units: level-0 pixels for ``*_level0``; um/px for ``*mpp``.
    """

    patch_size_level0: int
    step_level0: int
    read_level: int
    read_px: int
    mpp: float
    target_mpp: float


def fit(info: SlideInfo, tiling: Tiling) -> PatchGeometry:
    """Choose the level to read and the sizes in level-0 pixels.

    Raises:
        MppError: if the slide's mpp is missing or implausible.
        TilingError: if the patches are finer than the slide and upsampling is not allowed.
    Units: level-0 pixels; um/px.
    """
    mpp = check_mpp(info)
    near = [n for n, level in enumerate(info.levels) if _off(level.downsample * mpp, tiling.mpp) <= AS_IS]
    finer = [n for n, level in enumerate(info.levels) if level.downsample * mpp < tiling.mpp]
    if near:
        read_level = min(near, key=lambda n: _off(info.levels[n].downsample * mpp, tiling.mpp))
        scale = info.levels[read_level].downsample
    elif finer or tiling.allow_upsampling:
        read_level = finer[-1] if finer else 0
        scale = tiling.mpp / mpp
    else:
        raise TilingError(
            expected(
                f"Slide '{info.slide_id}'",
                f"a level of {tiling.mpp:g} um/px or finer",
                f"{mpp:g} um/px at level 0",
                todo=f"Ask for --mpp {mpp:g} or coarser, or allow upsampling.",
            )
        )
    size = max(1, round(tiling.patch_px * scale))
    step = max(1, round((tiling.patch_px - tiling.overlap_px) * scale))
    read_px = tiling.patch_px if near else max(1, round(size / info.levels[read_level].downsample))
    return PatchGeometry(size, step, read_level, read_px, mpp, size * mpp / tiling.patch_px)


def tile(info: SlideInfo, tissue_mask: np.ndarray, tiling: Tiling, *, box: Box | None = None) -> Patches:
    """Lay the lattice over the slide and keep the patches that hold enough tissue.

    The lattice starts at the corner of the slide's bounds and has one integer step in level-0 pixels, so
    all patches of a slide are on one lattice however its tissue is broken up. Patches lie wholly
    inside the bounds.

    Args:
        info: The slide.
        tissue_mask: ``[H, W]`` bool.
        tiling: What is asked for.
        box: What the mask covers; the slide's bounds where not given.

    Shape: N patches in rows from the top, each row from the left.
    Units: level-0 pixels for ``box``.
    Raises: TilingError: if the slide is smaller than a patch, or no patch holds enough tissue.
    """
    geometry = fit(info, tiling)
    corners = _lattice(info, geometry)
    share = area_share(tissue_mask, corners, geometry.patch_size_level0, box=box or info.bounds)
    kept = share >= tiling.min_tissue
    if not kept.any():
        raise TilingError(_nothing(info, tissue_mask, tiling, share))
    return Patches(
        slide_id=info.slide_id,
        coords=corners[kept],
        patch_px=tiling.patch_px,
        patch_size_level0=geometry.patch_size_level0,
        step_level0=geometry.step_level0,
        read_level=geometry.read_level,
        read_px=geometry.read_px,
        mpp=geometry.mpp,
        target_mpp=geometry.target_mpp,
        tissue=share[kept].astype(np.float32),
    )


def area_share(mask: np.ndarray, coords: np.ndarray, side: float, *, box: Box) -> np.ndarray:
    """Mean of ``mask`` over each patch, exact to fractions of a mask pixel.

    Args:
        mask: ``[H, W]`` numbers or bool.
        coords: ``[N, 2]`` top-left corners (x, y).
        side: Side of the patches.
        box: What the mask covers.

    Shape: ``[N]`` float64.
    Units: level-0 pixels.
    """
    height, width = mask.shape
    total = np.zeros((height + 1, width + 1))
    total[1:, 1:] = mask.astype(np.float64).cumsum(axis=0).cumsum(axis=1)
    left, right = ((coords[:, 0] + d - box.x) * width / box.width for d in (0, side))
    top, bottom = ((coords[:, 1] + d - box.y) * height / box.height for d in (0, side))
    area = (right - left) * (bottom - top)
    inside = _at(total, right, bottom) - _at(total, left, bottom) - _at(total, right, top)
    return np.clip((inside + _at(total, left, top)) / area, *_range(mask))


def _off(level_mpp: float, mpp: float) -> float:
    return abs(level_mpp / mpp - 1.0)


def _lattice(info: SlideInfo, geometry: PatchGeometry) -> np.ndarray:
    bounds, size, step = info.bounds, geometry.patch_size_level0, geometry.step_level0
    xs = np.arange(math.ceil(bounds.x), math.floor(bounds.right) - size + 1, step, dtype=np.int64)
    ys = np.arange(math.ceil(bounds.y), math.floor(bounds.bottom) - size + 1, step, dtype=np.int64)
    if not len(xs) or not len(ys):
        raise TilingError(
            expected(
                f"Slide '{info.slide_id}'",
                f"at least one patch of {size} x {size} level-0 pixels",
                f"a slide of {bounds.width:g} x {bounds.height:g}",
                todo="Ask for smaller patches or a finer --mpp.",
            )
        )
    grid_x, grid_y = np.meshgrid(xs, ys)
    return np.stack([grid_x.ravel(), grid_y.ravel()], axis=1)


def _at(total: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Integral image at fractional places, by bilinear interpolation (exact for constant pixels)."""
    x = np.clip(x, 0, total.shape[1] - 1)
    y = np.clip(y, 0, total.shape[0] - 1)
    x0 = np.minimum(x.astype(np.int64), total.shape[1] - 2)
    y0 = np.minimum(y.astype(np.int64), total.shape[0] - 2)
    fx, fy = x - x0, y - y0
    upper = total[y0, x0] * (1 - fx) + total[y0, x0 + 1] * fx
    lower = total[y0 + 1, x0] * (1 - fx) + total[y0 + 1, x0 + 1] * fx
    return upper * (1 - fy) + lower * fy


def _range(mask: np.ndarray) -> tuple[float, float]:
    return float(min(mask.min(), 0)), float(mask.max())


def _nothing(info: SlideInfo, mask: np.ndarray, tiling: Tiling, share: np.ndarray) -> str:
    where = f"Slide '{info.slide_id}'"
    if not mask.any():
        todo = "The tissue finder is made for bright-field stains such as H&E."
        return expected(where, "tissue", "no tissue found on the overview picture", todo=todo)
    return expected(
        where,
        f"patches with at least {tiling.min_tissue:g} tissue",
        f"no tissue found beyond a share of {share.max():.3f} in any of {len(share)} patches",
        todo="Lower --min-tissue or ask for smaller patches.",
    )
