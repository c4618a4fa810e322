"""Sum over the sources of each node, channel by channel weighed by a softmax of the channel itself."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import softmax

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.kernels.device import on_numba
from wsigraph.nn.kernels.edge_rows import into_targets, widened


def softmax_aggregate(h: Tensor, temperature: Tensor, *, adjacency: Adjacency) -> Tensor:
    r"""Between the mean and the maximum of a node's sources, as the temperature says.

    .. math::  o_{vc} = \sum_{u \to v} \frac{e^{t h_{uc}}}{\sum_{w \to v} e^{t h_{wc}}} h_{uc}

    t = 0 gives the mean, a large t approaches the maximum, a large negative one the minimum. On a CPU fused
    loops walk the edges and store nothing per edge; elsewhere messages ``[E, C]`` are written out, and sums
    run in the order of the edges. Half precision is widened.

    Args:
        h: ``[S, C]`` sources.
        temperature: ``[1]`` t, an inverse temperature.
        adjacency: Edges from S sources into N targets.

    Shape: ``[N, C]``, 0 for a node without incoming edges.
    Source: Li et al. 2020 (DeeperGCN), SoftMax aggregation.
    """
    values, t = widened(h), widened(temperature)
    if on_numba(values):
        from wsigraph.nn.kernels.softmax_aggregate_op import fused_softmax_sum

        return fused_softmax_sum(values, t.to(values.dtype), adjacency=adjacency).to(h.dtype)
    messages = values[adjacency.edge_index[0]]  # [E, C]
    weight = _softmax(messages * t, adjacency)
    return aggregate(messages * weight, adjacency=into_targets(adjacency)).to(h.dtype)


def _softmax(logits: Tensor, adjacency: Adjacency) -> Tensor:
    """Softmax over the edges into each target, ``[E, C]``."""
    if torch.compiler.is_exporting():
        return softmax(logits, adjacency.edge_index[1], num_nodes=adjacency.num_nodes)
    target = adjacency.edge_index[1]
    index = target.unsqueeze(1).expand_as(logits)
    top = logits.new_zeros(adjacency.num_nodes, logits.shape[1])
    top.scatter_reduce_(0, index, logits.detach(), "amax", include_self=False)
    weight = (logits - top[target]).exp()
    return weight / aggregate(weight, adjacency=into_targets(adjacency))[target]
