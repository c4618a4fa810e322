"""How the classes of a synthetic tree cohort differ: in what patches look like, or in how they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from wsigraph.data.label_tree import LabelTree
from wsigraph.errors import LabelTreeError, expected
from wsigraph.synthetic.arrangement import arrange, interior


@dataclass(frozen=True)
class TreeSignal(ABC):
    """What tells the classes apart.

    Args:
        strength: Distance of lesion patches from background, in units of the patches' noise.
        siblings: The dial, 0..1: how much siblings differ; 0 makes them the same.
        variation: Spread of a slide's own shift of its lesions, in units of the patches' noise: more patches
            do not average it away, so siblings stay hard however large a slide is.
        in_channels: Channels of a row, at least as many as the tree has classes at all levels.
        grid: Lattice cells along each side.

    Raises: LabelTreeError: if the dial is out of range.
    """

    strength: float = 3.0
    siblings: float = 0.2
    variation: float = 0.3
    in_channels: int = 16
    grid: int = 14

    def __post_init__(self) -> None:
        if not 0.0 <= self.siblings <= 1.0:
            raise LabelTreeError(
                expected(type(self).__name__, "siblings of 0 (the same) to 1", f"{self.siblings}")
            )

    @abstractmethod
    def means(self, tree: LabelTree) -> np.ndarray:
        """Mean of the lesion patches of each finest class: ``[K, in_channels]``."""

    @abstractmethod
    def places(
        self, rng: np.random.Generator, tissue: np.ndarray, *, count: int, tree: LabelTree, finest: int
    ) -> np.ndarray:
        """Where the ``count`` lesions of a slide of class ``finest`` lie: ``[grid, grid]`` bool."""


@dataclass(frozen=True)
class SetSignal(TreeSignal):
    r"""Classes differ in what their lesion patches look like; lesions lie anywhere.

    .. math::  \mu_f = s \sum_l d^{\,l}\, u_{l, f_l}

    with s the strength, d the dial, :math:`f_l` the ancestor of f in level l (0 the coarsest) and u a fixed
    direction of each class, all at right angles: siblings differ d times as much as groups, and 1 is as much.

    Args: those of :class:`TreeSignal`.
    """

    def means(self, tree: LabelTree) -> np.ndarray:
        """Sums of directions down to the finest level."""
        return _means(self, tree, levels=tree.num_levels)

    def places(
        self, rng: np.random.Generator, tissue: np.ndarray, *, count: int, tree: LabelTree, finest: int
    ) -> np.ndarray:
        """Anywhere in the tissue."""
        mask = np.zeros(tissue.size, dtype=bool)
        mask[rng.permutation(np.flatnonzero(tissue))[:count]] = True
        return mask.reshape(tissue.shape)


@dataclass(frozen=True)
class SpatialSignal(TreeSignal):
    """Siblings differ in how their lesions lie, and in nothing else.

    Rows of siblings are drawn from one distribution, equally many of each kind, so the set of rows is
    independent of the finest class within its family: no set aggregator tells siblings better than chance.
    Parents differ as in :class:`SetSignal`.

    Args:
        siblings: The dial, 0..1: difference between a family's first and last class in the share of lesions
            that lie in clusters, around one half; the others are scattered, and classes between lie between.

    Further arguments: those of :class:`TreeSignal`.
    """

    siblings: float = 1.0

    def means(self, tree: LabelTree) -> np.ndarray:
        """Sums of directions down to the level above the finest."""
        return _means(self, tree, levels=tree.num_levels - 1)

    def clustered(self, tree: LabelTree) -> np.ndarray:
        """Share of lesions in clusters for each finest class: ``[K]``."""
        shares = []
        for k in range(len(tree.names())):
            family = sorted((k, *tree.siblings(-1, k)))
            rank = family.index(k) / (len(family) - 1) if len(family) > 1 else 0.5
            shares.append(0.5 + self.siblings * (rank - 0.5))
        return np.array(shares)

    def places(
        self, rng: np.random.Generator, tissue: np.ndarray, *, count: int, tree: LabelTree, finest: int
    ) -> np.ndarray:
        """Some in clusters and the rest scattered, all inside the tissue."""
        allowed = interior(tissue)
        close = round(count * float(self.clustered(tree)[finest]))
        mask = np.zeros(tissue.shape, dtype=bool)
        if close:
            mask |= arrange(rng, allowed, count=close, label="clustered")
        if count > close:
            mask |= arrange(rng, allowed & ~mask, count=count - close, label="scattered")
        return mask


def _means(signal: TreeSignal, tree: LabelTree, *, levels: int) -> np.ndarray:
    nodes = sum(len(names) for names in tree.classes)
    if signal.in_channels < nodes:
        raise LabelTreeError(
            expected(
                type(signal).__name__, f"at least {nodes} channels, one per class", f"{signal.in_channels}"
            )
        )
    # fixed for all seeds: cohorts of different seeds hold the same classes
    noise = np.random.default_rng(7).standard_normal((signal.in_channels, nodes))
    directions = np.linalg.qr(noise)[0].T
    total, first = np.zeros((len(tree.names()), signal.in_channels)), 0
    for at in range(levels):
        own = directions[first : first + len(tree.classes[at])]
        total += signal.strength * signal.siblings**at * own[tree.ancestors(-1, at)]
        first += len(own)
    return total
