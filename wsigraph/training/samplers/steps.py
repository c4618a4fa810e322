"""The steps of each epoch, as a loader asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor
from torch.utils.data import Sampler

from wsigraph.training.samplers.base import SlideSampler


class EpochSteps(Sampler[list[int]]):
    """A loader's batch sampler: lists of slides, drawn from (seed, epoch).

    Lightning calls ``set_epoch`` before each epoch, also after a resume.

    Args:
        deals: The sampler of the recipe.
        targets: One target per training slide.
        seed: Seed of the run.

    Raises: RecipeError, CohortError: if the sampler cannot deal these slides.
    """

    def __init__(self, deals: SlideSampler, targets: Tensor, *, seed: int) -> None:
        self.deals, self.targets, self.seed, self.epoch = deals, targets, seed, 0
        self._num_steps = len(deals.steps(targets, seed=seed, epoch=0))  # refused now or never

    @property
    def sampler(self) -> EpochSteps:
        """Itself: Lightning looks here for ``set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the steps of ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.deals.steps(self.targets, seed=self.seed, epoch=self.epoch))

    def __len__(self) -> int:
        return self._num_steps
