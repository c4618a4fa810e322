"""One slide of a class and one that is not, in every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.training.samplers.base import Deck, SlideSampler, cut, shuffle


class Pairs(SlideSampler, name="pairs"):
    """Two slides per step: the first of a class c, the second of another, as ranking losses compare them.

    Of two classes, c is the later one, the positive: each step holds a positive and a negative slide, and an
    epoch has as many steps as the larger class has slides. Of more, c goes through the classes in turn, each
    as often as the others, in as few rounds as it takes for every slide to stand in some step. Where it need
    not be a slide that would be missed, the second is any slide not of c. Slides of small classes come back,
    those of one class equally often, give or take one.

    Args:
        slides_per_step: Must be 2.

    Raises: RecipeError: if ``slides_per_step`` is not 2, or targets are no classes. CohortError: if all
        slides have one class.
    """

    def __init__(self, slides_per_step: int) -> None:
        super().__init__(slides_per_step)
        if slides_per_step != 2:
            raise RecipeError(
                expected(
                    self.where,
                    "slides_per_step 2 (a slide of a class and one of another)",
                    f"{slides_per_step}",
                    todo="Set sampler.slides_per_step=2.",
                )
            )

    def draw(self, targets: Tensor, generator: torch.Generator) -> list[list[int]]:
        """Pairs in random rounds, each round with every c in turn."""
        classes = self.by_class(targets)
        if len(classes) < 2:
            only, got = next(iter(classes)), len(targets)
            raise CohortError(
                expected(self.where, "training slides of at least 2 classes", f"{got}, all of class {only}")
            )
        turns = list(classes)[1:] if len(classes) == 2 else list(classes)
        order = turns * num_rounds({c: len(slides) for c, slides in classes.items()}, turns)
        decks = {c: Deck(slides, generator) for c, slides in classes.items()}
        coming = Counter(order)
        pairs = []
        for c in order:
            coming[c] -= 1
            first = decks[c].take()
            pairs.append([first, decks[_other(c, decks, coming, generator)].take()])
        return [pair for one_round in shuffle(cut(pairs, len(turns)), generator) for pair in one_round]


def num_rounds(sizes: Mapping[int, int], turns: Sequence[int]) -> int:
    """The fewest rounds in which every slide can stand in some pair.

    In r rounds a class that has turns gives r firsts; what it has beyond must be seconds of other classes'
    turns, and all seconds together are as many as the turns.

    Args:
        sizes: Slides of each class.
        turns: Classes whose turn comes once per round.
    """
    rounds = 1
    while True:
        beyond = {c: max(0, n - rounds * (c in turns)) for c, n in sizes.items()}
        fits = all(n <= rounds * (len(turns) - (c in turns)) for c, n in beyond.items())
        if fits and sum(beyond.values()) <= rounds * len(turns):
            return rounds
        rounds += 1


def _other(c: int, decks: Mapping[int, Deck], coming: Mapping[int, int], generator: torch.Generator) -> int:
    """Class of the second slide: the one with most slides unseen, if its own turns cannot show them all."""
    others = [d for d in decks if d != c]
    short = [d for d in others if decks[d].unseen > coming[d]]
    if short:
        return max(short, key=lambda d: decks[d].unseen)
    sizes = torch.tensor([len(decks[d].slides) for d in others], dtype=torch.float64)
    return others[int(torch.multinomial(sizes, 1, generator=generator))]
