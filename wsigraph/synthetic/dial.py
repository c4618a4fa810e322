"""Synthetic cohorts with a dial: how far the places of patches depend on the label; the patches never do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError, expected
from wsigraph.registry import Part
from wsigraph.synthetic.arrangement import interior, tissue_cells
from wsigraph.synthetic.features import SyntheticCohort, features_of_cells, labelled

KINDS = 3
"""Kinds of patches: 0 is background tissue, 1 and 2 are what is arranged."""
SEPARATION = 5.0
"""Distance between the means of two kinds, in units of the patches' noise."""


class Arrangement(Part, ABC, family="synthetic arrangement", package="wsigraph.synthetic.arrangements"):
    """One way in which two classes of synthetic slides lay out the same patches.

    Attributes:
        classes: Names of the two classes.
    """

    classes: ClassVar[tuple[str, str]]

    @abstractmethod
    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Kind of each cell; how many there are of each may depend on ``allowed``, never on the label.

        Args:
            rng: Source of the places.
            allowed: ``[grid, grid]`` bool, where kinds 1 and 2 may stand.
            label: 0 or 1.

        Shape: ``[grid, grid]`` int, 0 where not allowed.
        """


def arranged_slide(
    arrangement: str, index: int, *, label: int, seed: int = 0, strength: float = 1.0, grid: int = 24
) -> PatchFeatures:
    """One synthetic slide whose patches stand as its label says.

    The outline of the tissue, the number of patches of each kind and every patch's features are drawn before
    the label is looked at: a slide and its twin of the other label hold the very same rows at the very same
    places, in another order. Of the cells inside the tissue a share 1 - strength, drawn without the label,
    is then dealt anew. At strength 0 the twins are one slide.

    Args:
        arrangement: One of ``Arrangement.registry.names()``.
        index: Number of the slide.
        label: 0 or 1.
        seed: Fixes every number, with ``index``.
        strength: Share of the cells that stand as the label says, 0..1.
        grid: Lattice cells along each side, at least 18.

    Units: coords in level-0 pixels, a lattice step is 256.
    Raises: CohortError: if the strength or the grid is out of range. UnknownPartError: if there is no such
        arrangement.
    """
    _check(arrangement, strength, grid)
    tissue = tissue_cells(np.random.default_rng([seed, index]), grid, count=tissue_count(grid))
    allowed = full_degree(tissue)
    part: Arrangement = Arrangement.registry.get(arrangement)()
    placed = part.kinds(np.random.default_rng([seed, index, 1, label]), allowed, label=label)
    inside = loosened(np.random.default_rng([seed, index, 2]), placed[allowed], strength)
    placed[allowed] = inside
    x = rows_of_kinds(np.random.default_rng([seed, index, 3]), placed[tissue])
    return features_of_cells(index, x, np.argwhere(tissue)[:, ::-1])


def arranged_cohort(
    arrangement: str, slides: int = 40, *, seed: int = 0, strength: float = 1.0, grid: int = 24
) -> SyntheticCohort:
    """A synthetic cohort in which only the arrangement of patches tells the label.

    Whatever a model computes from the set of a slide's rows has the same distribution in both classes, at
    every strength: no set model beats chance. At strength 0 the arrangement says nothing either.

    Args:
        arrangement: One of ``Arrangement.registry.names()``.
        slides: How many; labels alternate.
        seed: Fixes every number.
        strength: Share of the cells that stand as the label says, 0..1.
        grid: Lattice cells along each side, at least 18.

    Units: coords in level-0 pixels, a lattice step is 256.
    Raises: CohortError: if the strength or the grid is out of range. UnknownPartError: if there is no such
        arrangement.
    """
    _check(arrangement, strength, grid)
    made = [
        arranged_slide(arrangement, i, label=i % 2, seed=seed, strength=strength, grid=grid)
        for i in range(slides)
    ]
    return labelled(made, Arrangement.registry.get(arrangement).classes)


def twin_cohort(
    arrangement: str, pairs: int = 20, *, seed: int = 0, strength: float = 1.0, grid: int = 24
) -> SyntheticCohort:
    """A synthetic cohort of twins: slides 2 i and 2 i + 1 hold the same rows, one arranged for each label.

    Twins belong to one made-up patient, so that folds by patient keep them together. A set model answers both
    alike: whatever it learned, its AUC over slides is .5 but for rounding, in every test fold and not only on
    average. Patients have no label of their own here; read the slides' metrics.

    Args:
        arrangement: One of ``Arrangement.registry.names()``.
        pairs: How many twins.
        seed: Fixes every number.
        strength: Share of the cells that stand as the label says, 0..1.
        grid: Lattice cells along each side, at least 18.

    Units: coords in level-0 pixels, a lattice step is 256.
    Raises: CohortError: if the strength or the grid is out of range. UnknownPartError: if there is no such
        arrangement.
    """
    made = [
        replace(
            arranged_slide(arrangement, i // 2, label=i % 2, seed=seed, strength=strength, grid=grid),
            slide_id=f"synthetic_{i:03d}",
        )
        for i in range(2 * pairs)
    ]
    patients = tuple(f"synthetic_patient_{i // 2:03d}" for i in range(2 * pairs))
    return replace(labelled(made, Arrangement.registry.get(arrangement).classes), patients=patients)


def shares_cohort(
    slides: int = 40, *, seed: int = 0, strength: float = 1.0, grid: int = 24
) -> SyntheticCohort:
    """The reverse: only the share of kind 1 tells the label, and a graph has nothing to add.

    Kind 1 makes up .15 - .10 strength of a slide's patches in one class and .15 + .10 strength in the other,
    each at places drawn at random.

    Args:
        slides: How many; labels alternate.
        seed: Fixes every number.
        strength: The dial, 0..1; 0 makes the label unlearnable.
        grid: Lattice cells along each side, at least 18.

    Units: coords in level-0 pixels, a lattice step is 256.
    Raises: CohortError: if the strength or the grid is out of range.
    """
    _check("shares", strength, grid)
    made = []
    for index in range(slides):
        tissue = tissue_cells(np.random.default_rng([seed, index]), grid, count=tissue_count(grid))
        share = 0.15 + 0.10 * strength * (2 * (index % 2) - 1)
        order = np.random.default_rng([seed, index, 1]).permutation(tissue_count(grid))
        kinds = (order < round(share * len(order))).astype(np.int64)
        x = rows_of_kinds(np.random.default_rng([seed, index, 3]), kinds)
        made.append(features_of_cells(index, x, np.argwhere(tissue)[:, ::-1]))
    return labelled(made, ("poor", "rich"))


def full_degree(tissue: np.ndarray) -> np.ndarray:
    """Cells three or more from the rim of the tissue: all have eight neighbours, and none beside those.

    Nearer the rim a patch's number of neighbours would hint at its kind, and degree at the label.
    """
    return interior(interior(interior(tissue)))


def tissue_count(grid: int) -> int:
    """Cells of tissue on a grid, the same on every slide."""
    return round(0.75 * (grid - 2) ** 2)


def loosened(rng: np.random.Generator, kinds: np.ndarray, strength: float) -> np.ndarray:
    """The same kinds, a share 1 - strength of them dealt anew.

    Which are dealt does not depend on ``kinds``; at strength 0 the answer depends on how many there are of
    each and on nothing else.
    """
    free = rng.permutation(len(kinds))[: round((1.0 - strength) * len(kinds))]
    out = kinds.copy()
    out[free] = rng.permutation(np.sort(kinds[free]))
    return out


def kind_means(in_channels: int = 8) -> np.ndarray:
    """Means of the kinds, all equally far apart, the same in every cohort: ``[KINDS, in_channels]``."""
    noise = np.random.default_rng(11).standard_normal((in_channels, KINDS))
    return np.linalg.qr(noise)[0].T * SEPARATION / np.sqrt(2.0)


def rows_of_kinds(rng: np.random.Generator, kinds: np.ndarray) -> np.ndarray:
    """Noisy rows of each patch's kind; which rows come out depends on how many there are of each kind alone.

    Shape: ``[N]`` int -> ``[N, 8]`` float32.
    """
    means = kind_means()
    drawn = rng.standard_normal((len(kinds), means.shape[1])) + means[np.sort(kinds)]
    x = np.empty(drawn.shape, dtype=np.float32)
    x[np.argsort(kinds, kind="stable")] = drawn
    return x


def _check(what: str, strength: float, grid: int) -> None:
    if not 0.0 <= strength <= 1.0:
        raise CohortError(expected(f"Synthetic cohort '{what}'", "a strength of 0..1", f"{strength}"))
    if grid < 18:
        raise CohortError(expected(f"Synthetic cohort '{what}'", "a grid of at least 18 cells", f"{grid}"))
