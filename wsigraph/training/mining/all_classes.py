"""One mining of every class that patches show, for one epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.training.mining.mine import Mined, mine
from wsigraph.training.mining.pool import Pool, pool_of
from wsigraph.training.mining.scored import ScoredSlide
from wsigraph.training.mining.settings import MineSettings


@dataclass(frozen=True)
class PatchScores:
    """Scores of the patches of training slides, for every class that patches show.

    Args:
        slides: Names of the slides.
        labels: Class of each, -1 where unknown.
        scores: For each slide ``[N, C]`` float32 in 0..1.
        classes: The class of each column.
        background: Class of slides none of whose patches shows another, or None.
        num_classes: Number of classes.
    """

    slides: tuple[str, ...]
    labels: tuple[int, ...]
    scores: tuple[np.ndarray, ...]
    classes: tuple[int, ...]
    background: int | None
    num_classes: int


def mine_epoch(
    found: PatchScores,
    settings: MineSettings,
    *,
    epoch: int,
    seed: int,
    tree: LabelTree | None = None,
    level: int = -1,
) -> tuple[Pool, dict[int, Mined]]:
    """The patches of an epoch.

    Args:
        found: Scores of the slide classifier whose pseudo-labels are in use.
        settings: How patches are chosen.
        epoch: Counted from 0 over all rounds.
        seed: Seed of the run.
        tree: The classes, where they form a tree: hard negatives come from siblings first.
        level: Level of the tree that the classes stand at.

    Raises: CohortError: if the slides are of one class.
    """
    mined = {
        c: mine(
            [
                ScoredSlide(name, label, np.ascontiguousarray(scores[:, column]))
                for name, label, scores in zip(found.slides, found.labels, found.scores, strict=True)
            ],
            settings.rules,
            epoch=epoch,
            epochs=settings.epochs,
            target=c,
            order=None if tree is None else nearest_groups(tree, level, c),
            seed=seed,
        )
        for column, c in enumerate(found.classes)
        if c in found.labels
    }
    pool = pool_of(mined, found.labels, background=found.background, num_classes=found.num_classes)
    return pool, mined


def nearest_groups(tree: LabelTree, level: int, target: int) -> list[list[int]]:
    """The other classes of a level in groups of equal tree distance, siblings first."""
    away: Sequence[int] = tree.distance(level)[target].tolist()
    near = sorted({distance for distance in away if distance})
    return [[c for c, distance in enumerate(away) if distance == one] for one in near]
