"""The order of slides in an epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from wsigraph.training.seeds import mix


class EpochShuffle(Sampler[int]):
    """Every slide once per epoch, in an order drawn from (seed, epoch).

    Lightning calls ``set_epoch`` before each epoch, also after a resume.

    Args:
        num_slides: Number of slides.
        seed: Seed of the run.
    """

    def __init__(self, num_slides: int, *, seed: int) -> None:
        self.num_slides, self.seed, self.epoch = num_slides, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of ``epoch``."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(mix(self.seed, "order", self.epoch))
        return iter(torch.randperm(self.num_slides, generator=generator).tolist())

    def __len__(self) -> int:
        return self.num_slides
