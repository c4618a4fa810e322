"""Every slide once per epoch, in random order."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.training.samplers.base import SlideSampler, cut


class Shuffled(SlideSampler, name="shuffled"):
    """Every slide once per epoch, ``slides_per_step`` at a time; the last step holds what is left.

    It reads no target, so that it serves every task.

    Args:
        slides_per_step: Slides of a step.
    """

    reads_classes = False

    def draw(self, targets: Tensor, generator: torch.Generator) -> list[list[int]]:
        """A random order, cut into steps."""
        return cut(torch.randperm(len(targets), generator=generator).tolist(), self.slides_per_step)
