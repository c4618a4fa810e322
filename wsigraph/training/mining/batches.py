"""Batches of mined patches: one part positive, four parts hard negative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.training.seeds import mix

BATCH = 512
POSITIVE_SHARE = 0.2


class MinedBatches(Sampler[list[int]]):
    """The batches of a round of fine-tuning, each a function of (seed, round, step) alone.

    Positives and negatives are dealt separately: each side is shuffled and dealt out batch by batch, then
    shuffled anew. Where a side fills a batch, no patch stands in it twice, and what is left over at the end
    of a deal waits for the next shuffle; where a side is smaller than its part, all of it stands in each
    batch, some patches once more than others. Unless told otherwise a round has as many steps as one deal of
    the hard negatives, so that its time follows their number.

    Args:
        positives: Number of positive patches; they are indices 0 to positives - 1.
        negatives: Number of hard negatives; their indices follow.
        seed: Seed of the run.
        size: Patches per batch.
        positive_share: Share of them that is positive.
        steps: Steps of a round; one deal of the hard negatives where not given.

    Raises: CohortError: if one side is empty. RecipeError: if a batch cannot hold both sides, or there are no
        steps.
    Source: HNM-WSI (Huang et al. 2024), 512 patches, one in five positive. Differs: 102 + 410, where 102 +
        409 are published; what happens at the end of a deal is ours.
    """

    def __init__(
        self,
        positives: int,
        negatives: int,
        *,
        seed: int,
        size: int = BATCH,
        positive_share: float = POSITIVE_SHARE,
        steps: int | None = None,
    ) -> None:
        if positives < 1 or negatives < 1:
            todo = "Train the classifier longer, or lower the floor, before fine-tuning."
            got = f"{positives} positive and {negatives} negative ones"
            raise CohortError(expected("Mined batches", "patches of both kinds", got, todo=todo))
        parts = (round(size * positive_share), size - round(size * positive_share))
        if min(parts) < 1:
            got = f"{parts[0]} + {parts[1]} of {size} patches"
            raise RecipeError(expected("Mined batches", "at least one patch of each kind", got))
        self.positives, self.parts, self.seed = positives, parts, seed
        self.decks = (Deck(positives, parts[0]), Deck(negatives, parts[1]))
        self.steps = self.decks[1].hands if steps is None else steps
        if self.steps < 1:
            raise RecipeError(expected("Mined batches", "at least one step", f"{self.steps}"))
        self.round = 0

    def set_epoch(self, round_: int) -> None:
        """Choose the draws of a round."""
        self.round = round_

    def at(self, step: int) -> list[int]:
        """The batch of a step: positives, then negatives."""
        first, then = (
            deck.hand(step, seed=mix(self.seed, side, self.round))
            for deck, side in zip(self.decks, ("positives", "negatives"), strict=True)
        )
        return [*first.tolist(), *(then + self.positives).tolist()]

    def __iter__(self) -> Iterator[list[int]]:
        return map(self.at, range(len(self)))

    def __len__(self) -> int:
        return self.steps


class Deck:
    """Deals ``count`` of ``total`` indices per step.

    Args:
        total: Number of indices.
        count: Size of a hand.
    """

    def __init__(self, total: int, count: int) -> None:
        self.total, self.count = total, count
        self.hands = max(1, total // count)  # dealt before the deck is shuffled anew
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))  # the last shuffle, by its seed

    def hand(self, step: int, *, seed: int) -> np.ndarray:
        """The indices of a step, the same whatever was dealt before.

        Shape: ``[count]`` int64.
        """
        copies, rest = divmod(self.count, self.total)
        turn, place = divmod(step, self.hands)
        order = self._shuffled(mix(seed, turn))
        if copies:
            return np.concatenate([np.tile(np.arange(self.total), copies), order[:rest]])
        return order[place * self.count : (place + 1) * self.count]

    def _shuffled(self, seed: int) -> np.ndarray:
        if self._order[0] != seed:
            self._order = (seed, np.random.default_rng(seed).permutation(self.total))
        return self._order[1]
