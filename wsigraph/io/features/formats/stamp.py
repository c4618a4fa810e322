"""The layout of STAMP."""

from __future__ import annotations

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.graph.lattice import infer
from wsigraph.io.features.beside import number
from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile

AGREES = 0.02
"""How far the step of the coordinates may be from the stated tile, as a share of it."""


class Stamp(FeatureFormat[GuardedFile], name="stamp"):
    """``feats`` and ``coords``; with ``tile_size_um`` among the attributes these are in um.

    A file with attributes knows its tiles in um and as encoded, but not the slide's level 0. Coordinates then
    become pixels of the encoded resolution, ``tile_size_um / tile_size_px`` um each: mpp, distances, graphs
    are right, and only a picture of the slide needs its own mpp. A file without does not say its unit: whole
    numbers on a sure lattice are taken as pixels, with the confidence in ``notes``.

    Units: um or unknown in the file; pixels of the encoded resolution, or of level 0 as far as is known.
    Raises: FeatureFileError: if the coordinates step otherwise than the stated tile.
    """

    opens = GuardedFile
    priority = 20

    def matches(self, file: GuardedFile) -> bool:
        """By the name ``feats``."""
        return "feats" in file.datasets

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features, coordinates and the tile, where it is stated."""
        x = file.read("feats")
        if "coords" not in file.datasets:
            return RawFeatures(x, NO_COORDS, {}, ("the file has no coordinates",))
        coords = file.read("coords")
        coords = coords.astype(np.float64) if coords.dtype.kind == "f" else coords
        root = file.attributes()
        tile_um, tile_px = number(root, "tile_size_um"), number(root, "tile_size_px")
        if not tile_um > 0:
            return RawFeatures(x, coords, {}, (_unit_unknown(coords),))
        if not tile_px > 0:
            raise FeatureFileError(expected(file.where, "'tile_size_px' beside 'tile_size_um'", "none"))
        return self._in_um(file, x, coords, tile=(tile_um, tile_px))

    def _in_um(
        self, file: GuardedFile, x: np.ndarray, coords: np.ndarray, *, tile: tuple[float, float]
    ) -> RawFeatures:
        mpp = tile[0] / tile[1]
        if coords.dtype.kind == "f" and not np.isfinite(coords).all():
            raise FeatureFileError(expected(file.where, "finite coordinates in um", "NaN or inf"))
        pixels = np.rint(np.clip(coords / mpp, -(2.0**40), 2.0**40)).astype(np.int64)
        found = infer(pixels) if pixels.ndim == 2 and pixels.shape[1:] == (2,) and len(pixels) else None
        if found is not None and found.confident and abs(found.step - tile[1]) > AGREES * tile[1] + 1:
            raise FeatureFileError(
                expected(
                    file.where,
                    f"coordinates in um, in steps of the tile of {tile[0]:g} um",
                    f"steps of {found.step * mpp:g}",
                    todo="Coordinates and attributes must be of one unit.",
                )
            )
        facts = {
            "patch_size_level0": tile[1],
            "patch_px": int(tile[1]),
            "step_level0": tile[1],
            "mpp": mpp,
            "target_mpp": mpp,
            "level0_known": False,
        }
        note = f"coordinates in um became pixels of {mpp:.4g} um: the slide's own level 0 is not known"
        return RawFeatures(x, pixels, facts, (note,))


def _unit_unknown(coords: np.ndarray) -> str:
    plain = coords.ndim == 2 and coords.shape[1:] == (2,) and np.isfinite(coords).all()
    if not plain or not len(coords) or np.abs(coords).max() > 2**53:
        return "unit of the coordinates unknown"
    found = infer(np.rint(coords).astype(np.int64))
    if not found.confident:
        return f"unit of the coordinates unknown, taken as pixels (confidence {found.confidence:.2f})"
    return (
        f"unit of the coordinates unknown, taken as pixels: they step by {found.step:g} "
        f"(confidence {found.confidence:.2f})"
    )
