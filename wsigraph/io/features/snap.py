"""Grids that restart at every tissue contour, put onto one lattice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.lattice import infer

ENOUGH_NEIGHBOURS = 0.5
"""Share of patches with another exactly one step away, below which the points are no grids at all."""


def snap(features: PatchFeatures) -> PatchFeatures:
    """Move each grid as a whole, by at most half a step, onto the lattice of the largest one.

    Patches of one contour have the same residue modulo the step, so the grids tell themselves apart. Patches
    that then share a cell show mostly the same tissue: they become one patch with their mean features. One
    lattice of a step that is no whole number, rounded to pixels, stays as it is.

    Args:
        features: Patches without a stated step.

    Units: level-0 pixels.
    """
    lattice = infer(features.coords)
    if lattice.exact and lattice.step != round(lattice.step):
        return _stated(features, features.coords, lattice.step, ())
    step = round(lattice.step) if lattice.step > 0 else 0
    if step < 1 or _with_exact_neighbour(features.coords, step) < ENOUGH_NEIGHBOURS:
        note = "no common step found: coordinates kept as they are"
        return replace(features, notes=(*features.notes, note))
    residues, grid, counts = np.unique(
        np.mod(features.coords, step), axis=0, return_inverse=True, return_counts=True
    )
    shift = np.mod(residues[counts.argmax()] - residues + step // 2, step) - step // 2
    told: tuple[str, ...] = ()
    if len(residues) > 1:
        told = (f"{len(residues)} grids snapped onto one lattice by up to {np.abs(shift).max()} px",)
    return _stated(features, features.coords + shift[grid.ravel()], float(step), told)


def _stated(features: PatchFeatures, coords: np.ndarray, step: float, told: tuple[str, ...]) -> PatchFeatures:
    """The patches at their cells, one for each, with the step and what was done written down."""
    x, coords, merged = _merged(features.x, coords)
    told = (f"step of {step:g} px inferred from the coordinates", *told)
    if merged:
        told = (*told, f"{merged} patches merged with another on the same cell")
    return replace(features, x=x, coords=coords, step_level0=step, notes=(*features.notes, "; ".join(told)))


def snap_unless_known(features: PatchFeatures) -> PatchFeatures:
    """As :func:`snap`, but patches whose step is stated stay where they are."""
    return features if features.step_level0 >= 0 else snap(features)


def _with_exact_neighbour(coords: np.ndarray, step: int) -> float:
    """Share of patches with another at exactly one step along x or y."""
    low = coords - coords.min(axis=0) + step
    width = int(low[:, 0].max()) + 2 * step
    keys = low[:, 1] * width + low[:, 0]
    known = np.unique(keys)
    beside = np.zeros(len(keys), dtype=bool)
    for move in (step, -step, step * width, -step * width):
        found = np.minimum(np.searchsorted(known, keys + move), len(known) - 1)
        beside |= known[found] == keys + move
    return float(beside.mean())


def _merged(x: np.ndarray, coords: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """One row per position, in order of first appearance, with the mean of its features."""
    cells, first, cell, counts = np.unique(
        coords, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if len(cells) == len(coords):
        return x, coords, 0
    rank = np.empty(len(cells), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(cells))
    sums = np.zeros((len(cells), x.shape[1]), dtype=np.float64)
    np.add.at(sums, rank[cell.ravel()], x)
    mean = sums / counts[np.argsort(first)][:, None]
    return mean.astype(x.dtype), coords[np.sort(first)], len(coords) - len(cells)
