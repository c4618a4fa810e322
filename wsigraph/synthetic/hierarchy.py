"""Synthetic cohorts whose classes form a tree: groups are easy to tell, siblings as hard as one likes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.tree import UNKNOWN
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import LabelTreeError, expected
from wsigraph.synthetic.arrangement import tissue_cells
from wsigraph.synthetic.features import PATCH_PX
from wsigraph.synthetic.tree_signal import SetSignal, TreeSignal

LESION = 0.15
"""Share of a slide's patches that carry its signal."""


@dataclass(frozen=True)
class SyntheticTreeCohort:
    """Feature arrays with labels at every level and made-up patients.

    Args:
        features: One entry per slide.
        tree: The classes.
        labels: ``[S, L]`` int64 as a manifest would say, coarse to fine, -1 where unknown.
        truth: ``[S, L]`` int64, nothing unknown.
        patients: One made-up patient id per slide; about a fifth of the patients have two slides.
        lesions: For each slide ``[N]`` bool, the patches that carry its signal.
    """

    features: tuple[PatchFeatures, ...]
    tree: LabelTree
    labels: np.ndarray
    truth: np.ndarray
    patients: tuple[str, ...]
    lesions: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.features)


def synthetic_tree() -> LabelTree:
    """Seven made-up classes in three groups, of the shape of BRACS."""
    return tree_from_dict(
        {"A": ("A1", "A2", "A3"), "B": ("B1", "B2"), "C": ("C1", "C2")}, levels=("group", "subtype")
    )


def tree_cohort(
    slides: int = 70,
    *,
    seed: int = 0,
    signal: TreeSignal | None = None,
    tree: LabelTree | None = None,
    coarse_only: float = 0.0,
) -> SyntheticTreeCohort:
    """A synthetic cohort over a label tree; the finest classes take turns.

    A small share of a slide's patches are lesions, as the signal says; the others are background noise with
    mean 0 and variance 1.

    Args:
        slides: How many.
        seed: Fixes every number; a slide depends on (seed, its index) alone, and not on ``coarse_only``.
        signal: How classes differ; ``SetSignal()`` if None.
        tree: The classes, of two or more levels; :func:`synthetic_tree` if None.
        coarse_only: Share of the slides, drawn at random, whose finest label is unknown.

    Units: coords in level-0 pixels, a lattice step is 256.
    Raises: LabelTreeError: if the tree has one level, there are too few channels for it, or the share lies
        outside 0..1.
    """
    signal, tree = signal or SetSignal(), tree or synthetic_tree()
    if tree.num_levels < 2:
        raise LabelTreeError(expected("tree_cohort", "a tree of two or more levels", f"{list(tree.levels)}"))
    if not 0.0 <= coarse_only <= 1.0:
        raise LabelTreeError(expected("tree_cohort", "a share coarse_only of 0..1", f"{coarse_only}"))
    count = len(tree.names())
    made = [
        _slide(f"synthetic_{index:03d}", [seed, index], index % count, tree=tree, signal=signal)
        for index in range(slides)
    ]
    truth = np.array([tree.line(-1, index % count) for index in range(slides)], dtype=np.int64)
    truth = truth.reshape(slides, tree.num_levels)
    labels = truth.copy()
    hidden = np.random.default_rng([seed, slides, 1]).permutation(slides)[: round(coarse_only * slides)]
    labels[hidden, -1] = UNKNOWN
    return SyntheticTreeCohort(
        features=tuple(features for features, _ in made),
        tree=tree,
        labels=labels,
        truth=truth,
        patients=tuple(f"synthetic_patient_{_patient(index, count):03d}" for index in range(slides)),
        lesions=tuple(lesion for _, lesion in made),
    )


def slide_of_class(
    slide_id: str, name: str, *, tree: LabelTree, signal: TreeSignal | None = None, seed: int = 0
) -> PatchFeatures:
    """Synthetic features of one class for a slide of a true list, whose own features are not at hand.

    They depend on (seed, slide, class) alone, and with ``SetSignal(strength=0.0)`` not on the class either:
    then there is nothing to learn.

    Args:
        slide_id: The slide's true name.
        name: Its finest class.
        tree: The classes.
        signal: How classes differ; ``SetSignal()`` if None.
        seed: Fixes every number.

    Raises: LabelTreeError: if the tree has no such class, or there are too few channels for it.
    """
    finest = tree.index(-1, name)
    return _slide(slide_id, [seed, *slide_id.encode()], finest, tree=tree, signal=signal or SetSignal())[0]


def _slide(
    slide_id: str, seed: list[int], finest: int, *, tree: LabelTree, signal: TreeSignal
) -> tuple[PatchFeatures, np.ndarray]:
    """Features of a slide, and which of its patches carry the signal."""
    rng = np.random.default_rng(seed)
    tissue = tissue_cells(rng, signal.grid, count=round(0.6 * (signal.grid - 2) ** 2) + 8)
    mask = signal.places(rng, tissue, count=round(LESION * tissue.sum()), tree=tree, finest=finest)
    lesion = mask[tissue]
    x = _rows(np.random.default_rng([*seed, 1]), lesion, signal.means(tree)[finest], signal)
    return _features(slide_id, x, np.argwhere(tissue)[:, ::-1]), lesion


def _rows(rng: np.random.Generator, lesion: np.ndarray, mean: np.ndarray, signal: TreeSignal) -> np.ndarray:
    """Rows of one slide; the numbers drawn do not depend on where the lesions lie."""
    shift = mean + signal.variation * rng.standard_normal(len(mean))
    drawn, number = rng.standard_normal((len(lesion), len(mean))), int(lesion.sum())
    x = np.empty(drawn.shape, dtype=np.float32)
    x[lesion], x[~lesion] = drawn[:number] + shift, drawn[number:]
    return x


def _features(slide_id: str, x: np.ndarray, cells: np.ndarray) -> PatchFeatures:
    return PatchFeatures(
        slide_id=slide_id,
        x=x,
        coords=(cells * PATCH_PX).astype(np.int64),
        patch_size_level0=float(PATCH_PX),
        patch_px=PATCH_PX,
        step_level0=float(PATCH_PX),
        mpp=0.5,
        target_mpp=0.5,
        encoder="synthetic",
        source="synthetic",
    )


def _patient(index: int, classes: int) -> int:
    """Number of the patient: in one of six rounds of the classes each slide has a sister one round before."""
    return index - classes if (index // classes) % 6 == 1 else index
