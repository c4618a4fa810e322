"""One slide of a class and one that is not, in every step."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.training.samplers.base import Deck, SlideSampler


class Pairs(SlideSampler, name="pairs"):
    """Two slides per step: the first of a class c, the second of another, as ranking losses compare them.

    Of two classes, c is the later one, the positive: each step holds a positive and a negative slide. Of
    more, c goes through the classes in turn, and the second is any slide not of c. Each c has as many turns
    in an epoch as the largest class has slides, so that all slides are seen; those of smaller classes come
    back, each as often as another of its class, give or take one. So an epoch of K > 2 uneven classes is
    longer than one of other samplers: K times the largest class in steps.

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
        """Pairs, c in turn."""
        classes = self.several_classes(targets)
        turns = list(classes)[1:] if len(classes) == 2 else list(classes)
        firsts = {c: Deck(classes[c], generator) for c in turns}
        seconds = {
            c: Deck([s for d, slides in classes.items() if d != c for s in slides], generator) for c in turns
        }
        rounds = max(len(slides) for slides in classes.values())
        return [[firsts[c].take(), seconds[c].take()] for _ in range(rounds) for c in turns]
