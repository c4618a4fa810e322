"""What DTFD-MIL's first tier hands to its second: rows made of the patches of each pseudo-bag."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wsigraph.nn.layers.pseudo_bags import PseudoBags


@dataclass(frozen=True)
class FirstTier:
    """What the first tier says.

    Args:
        bags: Its pseudo-bags.
        attention: ``[N]``, sums to 1 over each pseudo-bag.
        logits: ``[B M, K]`` of the pseudo-bags.
        node_logits: ``[N, K]``; their softmax over the classes is each patch's probability.
    """

    bags: PseudoBags
    attention: Tensor
    logits: Tensor
    node_logits: Tensor


@dataclass(frozen=True)
class Mixture:
    """Rows as weighted sums of patches: a sparse matrix whose rows sum to 1, or to 0 where there is nothing.

    Args:
        row: ``[E]`` row of each entry.
        node: ``[E]`` patch of each entry.
        share: ``[E]`` its weight.
        num_rows: Number of rows R, as many for each slide.
    """

    row: Tensor
    node: Tensor
    share: Tensor
    num_rows: int

    def rows(self, x: Tensor) -> Tensor:
        """``[N, C]`` -> ``[R, C]``."""
        made = x.new_zeros(self.num_rows, x.shape[1])
        return made.index_add_(0, self.row, self.share.unsqueeze(1) * x[self.node])

    def present(self) -> Tensor:
        """Rows that are made of something, ``[R]`` bool."""
        return self.share.new_zeros(self.num_rows).index_add_(0, self.row, self.share) > 0

    def back(self, weights: Tensor, num_nodes: int) -> Tensor:
        """Weights of rows ``[R]`` -> weights of the patches that they are made of ``[N]``."""
        return weights.new_zeros(num_nodes).index_add_(0, self.node, self.share * weights[self.row])


def aggregated_features(first: FirstTier, *, instances: int) -> Mixture:
    """AFS: each pseudo-bag's own vector, its patches weighed by the first tier's attention.

    Args:
        first: The first tier.
        instances: Not used: a pseudo-bag has one vector.
    """
    nodes = torch.arange(first.attention.shape[0], device=first.attention.device)
    return Mixture(first.bags.part, nodes, first.attention, first.bags.num_parts)


def highest_and_lowest(first: FirstTier, *, instances: int) -> Mixture:
    """MaxMinS: the patches of each pseudo-bag of the highest and of the lowest probability.

    The probability is that of the class that the pseudo-bag itself is given. With two classes it makes no
    difference which of them is asked for: what is highest for one is lowest for the other.

    Args:
        first: The first tier.
        instances: How many at either end. A pseudo-bag of fewer gives all its patches to both.
    """
    bags = first.bags
    order = bags.sorted_by(_log_odds(first.node_logits, first.logits.argmax(1)[bags.part]))
    sizes = bags.counts.unsqueeze(1)  # [B M, 1]
    starts = sizes.cumsum(0) - sizes
    step = torch.arange(instances, device=order.device)
    places = torch.cat([starts + step, starts + sizes - 1 - step], 1)  # [B M, 2 instances]
    there = (step < sizes).repeat(1, 2)
    nodes = order[places.clamp(min=0, max=order.shape[0] - 1).flatten()]
    share = there.flatten().to(first.attention.dtype)
    return Mixture(torch.arange(len(nodes), device=nodes.device), nodes, share, len(nodes))


DISTILLATIONS: dict[str, Callable[..., Mixture]] = {
    "maxmins": highest_and_lowest,
    "afs": aggregated_features,
}
"""By the names of the paper: MaxMinS and AFS."""


def _log_odds(logits: Tensor, chosen: Tensor) -> Tensor:
    """Log-odds of a class against all others, in the probability's order: ``[N, K]``, ``[N]`` -> ``[N]``."""
    own = logits.gather(1, chosen.unsqueeze(1))
    others = logits.scatter(1, chosen.unsqueeze(1), -math.inf)
    return own.squeeze(1) - others.logsumexp(1)
