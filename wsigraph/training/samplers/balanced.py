"""Each class as often as any other."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.training.samplers.base import Deck, SlideSampler, cut, shuffle


class Balanced(SlideSampler, name="balanced"):
    r"""Draw each class equally often; an epoch keeps its number of slides.

    Of n slides in K classes, each class gives :math:`\lfloor n / K \rfloor` or one more, chosen anew in each
    epoch which. A class of fewer slides gives each of them again and again, none twice more often than
    another; a class of more gives some of them, others in each epoch. A slide may stand twice in a step.

    Args:
        slides_per_step: Slides of a step.

    Raises: RecipeError: if targets are no classes.
    """

    def draw(self, targets: Tensor, generator: torch.Generator) -> list[list[int]]:
        """Equal shares of all classes in random order, cut into steps."""
        classes = self.by_class(targets)
        share, over = divmod(len(targets), len(classes))
        given = shuffle(list(classes), generator)
        drawn = []
        for place, name in enumerate(given):
            deck = Deck(classes[name], generator)
            drawn += [deck.take() for _ in range(share + (place < over))]
        return cut(shuffle(drawn, generator), self.slides_per_step)
