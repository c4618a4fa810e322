"""The lattice that a tiler left in the coordinates, found again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wsigraph.data.patch_features import PatchFeatures

TOLERANCE = 0.05
"""How far from its lattice point a patch may lie, in steps: rounding to whole pixels, no more."""
CONFIDENT = 0.95
SMALLEST_STEP = 2.0
ROUNDED_SHARE = 0.005
"""From this share of gaps one pixel off the step is taken to be no whole number; fewer are chance."""


@dataclass(frozen=True)
class Lattice:
    """A square lattice and how well the coordinates keep to it.

    Args:
        step: Distance of neighbouring patches, NaN where there is none.
        x_offset: Position of a lattice point along x.
        y_offset: The same along y.
        on_lattice: Share of patches within 5 % of a step of a lattice point.
        confidence: ``on_lattice`` where the step was given; where it was inferred, less if few patches have
            a neighbour one step away.
        inferred: Whether the step was inferred from the coordinates.

    Units: level-0 pixels.
    """

    step: float
    x_offset: float
    y_offset: float
    on_lattice: float
    confidence: float
    inferred: bool

    @property
    def confident(self) -> bool:
        """Whether the coordinates are a lattice for every practical purpose."""
        return self.confidence >= CONFIDENT

    @property
    def exact(self) -> bool:
        """Whether every patch lies on it, so that indices may stand for coordinates."""
        return self.confident and self.on_lattice == 1.0

    def indices(self, coords: np.ndarray) -> np.ndarray:
        """Lattice indices ``[N, 2]`` (x, y), int64."""
        offset = np.array([self.x_offset, self.y_offset])
        return np.round((coords - offset) / self.step).astype(np.int64)


NO_LATTICE = Lattice(math.nan, 0.0, 0.0, 0.0, 0.0, True)


def lattice_of(features: PatchFeatures) -> Lattice:
    """The lattice of a slide's patches: from the step its file states, else inferred.

    A stated step of 0 means given points (nuclei, spots): they have no lattice. A stated step that the
    coordinates contradict is replaced by the inferred one where that fits better.

    Args:
        features: Patches of one slide.

    Units: level-0 pixels.
    """
    known = features.step_level0
    if known == 0 or not len(features.coords):
        return NO_LATTICE
    stated = fit(features.coords, known, inferred=False) if known > 0 else NO_LATTICE
    if stated.confident:
        return stated
    guessed = infer(features.coords)
    return guessed if guessed.confidence > stated.confidence else stated


def infer(coords: np.ndarray) -> Lattice:
    """Infer step and offset from coordinates alone.

    The step is the most frequent distance to the next patch in the same row or column, which holes and
    several lattices side by side do not disturb. A step that is no whole number leaves gaps that differ by
    one pixel: then it is their mean, so that a rounded lattice is followed over any distance.

    Args:
        coords: ``[N, 2]`` integers.

    Units: level-0 pixels.
    """
    gaps = np.concatenate([_gaps(coords, along=0), _gaps(coords, along=1)])
    gaps = gaps[gaps >= SMALLEST_STEP]
    if not len(gaps):
        return NO_LATTICE
    values, counts = np.unique(gaps, return_counts=True)
    mode = values[counts.argmax()]
    near = gaps[np.abs(gaps - mode) <= 1]
    rounded = (near != mode).mean() >= ROUNDED_SHARE
    return fit(coords, float(near.mean() if rounded else mode), inferred=True)


def fit(coords: np.ndarray, step: float, *, inferred: bool) -> Lattice:
    """Place a lattice of known step over the coordinates.

    Args:
        coords: ``[N, 2]``.
        step: Lattice step.
        inferred: Whether the step was inferred; then patches must also have neighbours one step away.

    Units: level-0 pixels.
    """
    offsets, on = [], np.ones(len(coords), dtype=bool)
    for axis in (0, 1):
        offset, near = _offset(coords[:, axis], step)
        offsets.append(offset)
        on &= near
    share = float(on.mean())
    confidence = share
    if inferred:
        lattice = Lattice(step, offsets[0], offsets[1], share, share, True)
        confidence = share * min(1.0, 2.0 * _with_neighbour(lattice.indices(coords)))
    return Lattice(step, offsets[0], offsets[1], share, confidence, inferred)


def _gaps(coords: np.ndarray, *, along: int) -> np.ndarray:
    """Distances between consecutive patches that share the other coordinate exactly."""
    across = 1 - along
    order = np.lexsort((coords[:, along], coords[:, across]))
    line = coords[order]
    same = line[1:, across] == line[:-1, across]
    return (line[1:, along] - line[:-1, along])[same]


def _offset(values: np.ndarray, step: float) -> tuple[float, np.ndarray]:
    """Most frequent residue, refined by the median around it, and who lies near it."""
    residues = np.mod(values, step)
    bins = max(1, min(round(step), 65536))
    counts = np.bincount(np.minimum((residues * (bins / step)).astype(np.int64), bins - 1), minlength=bins)
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    ties = np.flatnonzero(smooth == smooth.max())
    mode = float(ties[counts[ties].argmax()]) * (step / bins)
    away = _wrapped(residues - mode, step)
    near = np.abs(away) <= max(2.0 * step / bins, TOLERANCE * step)
    offset = mode + float(np.median(away[near]))
    return offset, np.abs(_wrapped(residues - offset, step)) <= TOLERANCE * step


def _wrapped(values: np.ndarray, step: float) -> np.ndarray:
    return np.mod(values + step / 2, step) - step / 2


def _with_neighbour(indices: np.ndarray) -> float:
    """Share of occupied cells with another occupied cell among the four beside them."""
    cells = np.unique(indices, axis=0)
    cells = cells - cells.min(axis=0)
    width = int(cells[:, 0].max()) + 3
    keys = np.sort((cells[:, 1] + 1) * width + cells[:, 0] + 1)
    beside = np.zeros(len(keys), dtype=bool)
    for shift in (1, -1, width, -width):
        found = np.minimum(np.searchsorted(keys, keys + shift), len(keys) - 1)
        beside |= keys[found] == keys + shift
    return float(beside.mean())
