"""Dividing the patches of each slide among pseudo-bags, and where the pseudo-bags lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from wsigraph.data.bags import Bags


@dataclass(frozen=True, eq=False)
class PseudoBags:
    """Every slide's patches in M parts that differ by one patch at most; parts of small slides may be empty.

    Args:
        part: ``[N]`` pseudo-bag of each patch: those of slide b are b M, ..., b M + M - 1.
        num_parts: Number of pseudo-bags B M.
    """

    part: Tensor
    num_parts: int

    @cached_property
    def counts(self) -> Tensor:
        """Patches of each pseudo-bag, ``[B M]``."""
        zero = self.part.new_zeros(self.num_parts)
        return zero.index_add_(0, self.part, torch.ones_like(self.part))

    def sorted_by(self, key: Tensor) -> Tensor:
        """Patches, pseudo-bag after pseudo-bag, each from the highest key ``[N]`` to the lowest: ``[N]``."""
        order = key.argsort(descending=True, stable=True)
        return order[self.part[order].argsort(stable=True)]

    def sum(self, rows: Tensor) -> Tensor:
        """``[N, C]`` -> sum over each pseudo-bag ``[B M, C]``."""
        return rows.new_zeros(self.num_parts, rows.shape[1]).index_add_(0, self.part, rows)


def deal(key: Tensor, bags: Bags, *, parts: int) -> PseudoBags:
    """Sort the patches of each slide by a key and deal them out in turn.

    A random key divides them at random; with scores as key every pseudo-bag gets its share of the high and
    of the low ones, the same whatever the order of the patches.

    Args:
        key: ``[N]``; the highest goes to the slide's first pseudo-bag.
        bags: How the patches are divided into slides.
        parts: Number of pseudo-bags of a slide M.
    """
    order = PseudoBags(bags.batch, bags.num_graphs).sorted_by(key)  # slide after slide
    starts = bags.counts.cumsum(0) - bags.counts
    place = (
        torch.arange(key.shape[0], device=key.device) - starts[bags.batch]
    )  # rows of a slide stand together
    part = torch.empty_like(bags.batch)
    part[order] = bags.batch * parts + place % parts
    return PseudoBags(part, bags.num_graphs * parts)
