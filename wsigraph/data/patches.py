"""Where the patches of one slide lie, and at what sizes they are asked for, read and laid out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wsigraph.errors import TilingError, expected


@dataclass(frozen=True)
class Patches:
    """The patches of one slide on one global lattice (or at given points).

    Worked example: 256 px asked for at 0.5 um/px on a slide of 0.25 um/px whose level 1 has downsample 4
    (1 um/px, too coarse): ``patch_px=256`` (requested), ``read_level=0``, ``read_px=512`` (read, then
    resampled to 256), ``patch_size_level0=512``.

    Args:
        slide_id: Name of the slide.
        coords: ``[N, 2]`` int64, top-left corners (x, y) in level-0 pixels.
        patch_px: Side of the patch as encoded, in pixels at ``target_mpp``.
        patch_size_level0: Side of the patch in level-0 pixels.
        step_level0: Lattice step in level-0 pixels; 0 for given points.
        read_level: Pyramid level the pixels come from.
        read_px: Side of the square read at that level.
        mpp: Microns per level-0 pixel.
        target_mpp: True microns per pixel of the encoded patch, ``patch_size_level0 * mpp / patch_px``.
        tissue: ``[N]`` share of each patch that is tissue, 0..1.
        flags: ``[N]`` bool per quality flag (``"pen"``, ``"blur"``).

    Units: level-0 pixels for coords and ``*_level0``; um/px for ``*mpp``.
    Raises: TilingError: if a shape contradicts the number of coords.
    """

    slide_id: str
    coords: np.ndarray
    patch_px: int
    patch_size_level0: int
    step_level0: int
    read_level: int
    read_px: int
    mpp: float
    target_mpp: float
    tissue: np.ndarray
    flags: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"Patches '{self.slide_id}'"
        if self.coords.ndim != 2 or self.coords.shape[1] != 2:
            raise TilingError(expected(where, "coords of shape [N, 2]", f"{list(self.coords.shape)}"))
        for name, values in {"tissue": self.tissue, **self.flags}.items():
            if values.shape != (len(self.coords),):
                raise TilingError(
                    expected(where, f"{name} of shape [{len(self.coords)}]", f"{list(values.shape)}")
                )

    def __len__(self) -> int:
        return len(self.coords)
