"""Where the two kinds of synthetic tissue stand on a lattice: the same cells, clustered or scattered."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from wsigraph.errors import TilingError, expected

LABELS = ("scattered", "clustered")
"""Classes of the arrangement cohorts, in the order of their numbers."""


def tissue_cells(rng: np.random.Generator, grid: int, *, count: int) -> np.ndarray:
    """A ragged piece of tissue of exactly ``count`` cells.

    Args:
        rng: Source of the outline.
        grid: Cells along each side of the slide.
        count: Cells that are tissue; the outer ring stays background.

    Shape: ``[grid, grid]`` bool.
    Raises: TilingError: if the slide has no room for so many cells.
    """
    room = (grid - 2) ** 2
    if not 9 <= count <= room:
        raise TilingError(
            expected("Synthetic slide", f"9..{room} tissue cells on a grid of {grid}", f"{count}")
        )
    rows, columns = np.mgrid[:grid, :grid] - (grid - 1) / 2
    wobble = ndimage.gaussian_filter(rng.standard_normal((grid, grid)), 2.0)
    distance = np.hypot(rows, columns) + wobble / wobble.std() * 0.07 * grid
    distance[[0, -1], :] = distance[:, [0, -1]] = np.inf
    mask = np.zeros((grid, grid), dtype=bool)
    mask.flat[np.argsort(distance, axis=None, kind="stable")[:count]] = True
    return mask


def interior(tissue: np.ndarray) -> np.ndarray:
    """Tissue cells whose eight neighbours are tissue too: no patch there shows the outline."""
    return ndimage.binary_erosion(tissue, structure=np.ones((3, 3)))


def arrange(rng: np.random.Generator, allowed: np.ndarray, *, count: int, label: str) -> np.ndarray:
    """Place ``count`` dense cells among the allowed ones, as ``label`` says.

    ``"clustered"`` grows three compact groups; ``"scattered"`` puts each cell where it has the fewest
    dense neighbours. Only the places differ: the number of cells is the same.

    Args:
        rng: Source of the places.
        allowed: ``[grid, grid]`` bool, where a dense cell may stand.
        count: Dense cells to place.
        label: One of ``LABELS``.

    Shape: ``[grid, grid]`` bool with exactly ``count`` true cells.
    Raises: TilingError: if there are fewer allowed cells than ``count``, or the label is unknown.
    """
    if label not in LABELS:
        raise TilingError(expected("Synthetic arrangement", f"a label of {LABELS}", f"{label!r}"))
    if allowed.sum() < count:
        raise TilingError(expected("Synthetic arrangement", f"at least {count} cells", f"{allowed.sum()}"))
    return _clusters(rng, allowed, count) if label == "clustered" else _scatter(rng, allowed, count)


def dense_neighbours(dense: np.ndarray) -> np.ndarray:
    """Number of dense cells among the eight neighbours of each dense cell: what tells the labels apart."""
    around = ndimage.convolve(dense.astype(int), np.ones((3, 3), dtype=int), mode="constant") - 1
    return around[dense]


def lowest(height: np.ndarray, allowed: np.ndarray, *, count: int) -> np.ndarray:
    """The ``count`` allowed cells of the least height.

    Shape: ``[grid, grid]`` float and bool -> ``[grid, grid]`` bool with exactly ``count`` true cells.
    Raises: TilingError: if there are fewer allowed cells than ``count``.
    """
    if allowed.sum() < count:
        raise TilingError(expected("Synthetic arrangement", f"at least {count} cells", f"{allowed.sum()}"))
    places = np.argwhere(allowed)
    return _at(places[np.argsort(height[allowed], kind="stable")[:count]], allowed.shape)


def grow(allowed: np.ndarray, centre: np.ndarray, *, count: int) -> np.ndarray:
    """The ``count`` allowed cells nearest to a centre: a disc where there is room for one.

    Shape: ``[grid, grid]`` bool with exactly ``count`` true cells.
    Raises: TilingError: if there are fewer allowed cells than ``count``.
    """
    rows, columns = np.mgrid[: allowed.shape[0], : allowed.shape[1]]
    return lowest(np.hypot(rows - centre[0], columns - centre[1]), allowed, count=count)


def _clusters(rng: np.random.Generator, allowed: np.ndarray, count: int, groups: int = 3) -> np.ndarray:
    places = np.argwhere(allowed)
    seeds = places[rng.choice(len(places), size=min(groups, len(places)), replace=False)]
    nearest = np.linalg.norm(places[:, None] - seeds[None], axis=2)
    nearest = nearest.min(axis=1) + rng.uniform(0, 0.5, len(places))
    return _at(places[np.argsort(nearest, kind="stable")[:count]], allowed.shape)


def _scatter(rng: np.random.Generator, allowed: np.ndarray, count: int) -> np.ndarray:
    places = rng.permutation(np.argwhere(allowed))
    crowding = np.zeros(len(places))
    chosen: list[int] = []
    for _ in range(count):
        best = int(crowding.argmin())
        chosen.append(best)
        apart = np.abs(places - places[best]).max(axis=1)
        crowding += np.where(apart <= 1, 1.0, 0.0)
        crowding[best] = np.inf
    return _at(places[chosen], allowed.shape)


def _at(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[places[:, 0], places[:, 1]] = True
    return mask
