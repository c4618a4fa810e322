"""Steps in which no slide stands alone in its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.training.samplers.base import SlideSampler, cut, shuffle


class Contrastive(SlideSampler, name="contrastive"):
    """Steps in which every class present has at least ``positives`` slides, for supervised contrast.

    The slides of each class are cut into groups of ``positives``, and the groups dealt over the steps class
    by class, so that each step has about the classes of the cohort; places left are filled with further
    slides of classes that the step has, then of others that fit. All slides are seen in every epoch, those
    that fill places more than once, none twice in a step. Steps hold ``slides_per_step`` slides, fewer only
    where nothing is left that keeps the rule.

    A class of fewer than ``positives`` slides stands together, all of it. So a class of one slide stands
    alone: it has nothing to be drawn to, and is there for the others to be told from. Where one class has
    nearly all slides, some steps hold no other.

    Args:
        slides_per_step: Slides of a step, at least twice ``positives``, so that two classes fit.
        positives: Fewest slides of a class in a step, at least 2.

    Raises: RecipeError: if either is too small, or targets are no classes. CohortError: if all slides have
        one class.
    """

    def __init__(self, slides_per_step: int, *, positives: int = 2) -> None:
        super().__init__(slides_per_step)
        if not isinstance(positives, int) or positives < 2:
            raise RecipeError(
                expected(self.where, "positives of at least 2 (a slide and another)", f"{positives}")
            )
        if slides_per_step < 2 * positives:
            raise RecipeError(
                expected(
                    self.where,
                    f"slides_per_step of at least {2 * positives} (two classes, {positives} slides of each)",
                    f"{slides_per_step}",
                    todo=f"Set sampler.slides_per_step={2 * positives} or more.",
                )
            )
        self.positives = positives

    def draw(self, targets: Tensor, generator: torch.Generator) -> list[list[int]]:
        """Groups of classes dealt over the steps, which are then filled."""
        classes = self.several_classes(targets)
        groups: list[list[int]] = []
        for c in shuffle(list(classes), generator):
            groups += cut(shuffle(classes[c], generator), self.positives)
        num_steps = -(-len(groups) // (self.slides_per_step // self.positives))  # rounded up
        dealt = [[slide for group in groups[i::num_steps] for slide in group] for i in range(num_steps)]
        return [self._filled(step, classes, generator) for step in shuffle(dealt, generator)]

    def _filled(
        self, step: Sequence[int], classes: Mapping[int, list[int]], generator: torch.Generator
    ) -> list[int]:
        """The step with what its classes lack, then with what else fits."""
        left = {c: shuffle(sorted(set(slides) - set(step)), generator) for c, slides in classes.items()}
        filled = list(step)
        inside = [c for c, slides in classes.items() if len(left[c]) < len(slides)]
        for c in inside:  # a class that the positives do not divide has a smaller group
            lacks = self.positives - (len(classes[c]) - len(left[c]))
            filled += [left[c].pop() for _ in range(min(lacks, len(left[c])))]
        more = shuffle([slide for c in inside for slide in left[c]], generator)
        filled += more[: self.slides_per_step - len(filled)]
        for c in shuffle([c for c in classes if c not in inside], generator):
            room = self.slides_per_step - len(filled)
            if room >= min(self.positives, len(left[c])):
                filled += left[c][:room]
        return filled
