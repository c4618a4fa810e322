"""Folds within folds: settings are chosen inside, the choice is tested outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, make_folds


@dataclass(frozen=True)
class NestedSplit:
    """One outer fold and the folds inside it.

    Args:
        outer: The fold that tests the choice.
        inner: Folds of its training and validation slides, to choose by; no slide of the outer test stands
            in them.
    """

    outer: Split
    inner: tuple[Split, ...]


def nested_folds(
    labels: Sequence[str],
    patients: Sequence[str],
    *,
    folds: int,
    inner_folds: int,
    seed: int = 0,
    val_share: float = 0.15,
) -> list[NestedSplit]:
    """Nested cross-validation, grouped by patient and stratified by label on both floors.

    Args:
        labels: One per slide.
        patients: One per slide.
        folds: Outer folds; the same as ``make_folds`` draws.
        inner_folds: Folds inside each.
        seed: Seed of the draws.
        val_share: Share of the training slides that validate, on both floors.

    Raises: CohortError: if a class has too few patients for the folds, or for those inside.
    """
    nested = []
    for outer in make_folds(labels, patients, folds=folds, seed=seed, val_share=val_share):
        mine = sorted({*outer.train, *outer.val})
        inner = make_folds(
            [labels[i] for i in mine],
            [patients[i] for i in mine],
            folds=inner_folds,
            seed=mix(seed, "inner", outer.fold),
            val_share=val_share,
        )
        nested.append(NestedSplit(outer, tuple(_at(split, mine) for split in inner)))
    return nested


def _at(split: Split, places: Sequence[int]) -> Split:
    """A split of some slides, by their places among all."""
    train, val, test = (tuple(places[i] for i in side) for side in (split.train, split.val, split.test))
    return Split(split.repeat, split.fold, train, val, test)
