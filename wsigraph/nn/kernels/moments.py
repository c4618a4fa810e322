"""Mean, variance, largest and smallest over the sources of each node, in one walk of the edges."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch_geometric.utils import scatter

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate, mean_weights
from wsigraph.nn.kernels.device import on_numba
from wsigraph.nn.kernels.edge_rows import into_targets, widened


@dataclass(frozen=True)
class Moments:
    """What is said of the sources of each node, channel by channel; 0 for a node without incoming edges.

    Args:
        mean: ``[N, C]``.
        variance: ``[N, C]``, the mean square distance from the mean.
        largest: ``[N, C]``.
        smallest: ``[N, C]``.
    """

    mean: Tensor
    variance: Tensor
    largest: Tensor
    smallest: Tensor


def neighbour_moments(h: Tensor, *, adjacency: Adjacency) -> Moments:
    r"""Four summaries of the sources of each node.

    .. math::  \mu_v = \frac{1}{d_v} \sum_{u \to v} h_u, \quad
               \sigma^2_v = \frac{1}{d_v} \sum_{u \to v} (h_u - \mu_v)^2, \quad
               \max_{u \to v} h_u, \quad \min_{u \to v} h_u

    The variance is summed about the mean, so it is exact where the mean is large beside it. Sources that
    share the largest or smallest value share its gradient equally. On a CPU fused loops store nothing per
    edge; elsewhere messages ``[E, C]`` are written out. Half precision is widened.

    Args:
        h: ``[S, C]`` sources.
        adjacency: Edges from S sources into N targets.

    Shape: each ``[N, C]``, 0 for a node without incoming edges.
    Source: the aggregators of Corso et al. 2020 (PNA).
    """
    values = widened(h)
    if on_numba(values):
        from wsigraph.nn.kernels.moments_op import fused_moments

        found = fused_moments(values, adjacency=adjacency)
    else:
        found = _along_edges(values, adjacency)
    mean, variance, largest, smallest = (one.to(h.dtype) for one in found)
    return Moments(mean, variance, largest, smallest)


def _along_edges(h: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    source, target = adjacency.edge_index[0], adjacency.edge_index[1]
    rows, into = h[source], into_targets(adjacency)  # [E, C]
    share = mean_weights(adjacency, h)
    mean = aggregate(rows, adjacency=into, weight=share)
    variance = aggregate((rows - mean[target]).square(), adjacency=into, weight=share)
    largest, smallest = (scatter(rows, target, 0, adjacency.num_nodes, which) for which in ("max", "min"))
    return mean, variance, largest, smallest
