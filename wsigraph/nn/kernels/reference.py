"""Graph operations in plain torch: what every faster kernel is compared with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import softmax


def graph_attention(
    h: Tensor,
    logits_src: Tensor,
    logits_dst: Tensor,
    *,
    edge_index: Tensor,
    negative_slope: float,
    keep: Tensor | None,
) -> tuple[Tensor, Tensor]:
    r"""Sum the sources of each node, weighed by a softmax over its incoming edges.

    .. math::  e_{uv} = \mathrm{LeakyReLU}(s_u + t_v), \quad
               \alpha_{uv} = \mathrm{softmax}_{u \to v} e_{uv}, \quad o_v = \sum_u \alpha_{uv} h_u

    Args:
        h: ``[S, H, D]`` projected sources.
        logits_src: ``[S, H]`` s, the source's half of the logit.
        logits_dst: ``[N, H]`` t, the target's half.
        edge_index: ``[2, E]`` row 0 source -> row 1 target; self-loops are edges.
        negative_slope: Slope of the LeakyReLU.
        keep: ``[E, H]`` factor of each attention weight: dropout's 0 or 1 / (1 - p); None for 1.

    Shape: out ``[N, H, D]`` (0 for a node without incoming edges), attention ``[E, H]`` before dropout.
    Source: Velickovic et al. 2018, eq. 1-6.
    """
    source, target = edge_index[0], edge_index[1]
    logits = torch.nn.functional.leaky_relu(logits_src[source] + logits_dst[target], negative_slope)
    return _weighed(h, logits, edge_index, num_targets=logits_dst.shape[0], keep=keep)


def graph_attention_v2(
    h_src: Tensor,
    h_dst: Tensor,
    a: Tensor,
    *,
    edge_index: Tensor,
    negative_slope: float,
    keep: Tensor | None,
) -> tuple[Tensor, Tensor]:
    r"""Sum the sources of each node, weighed by a logit that looks at both ends before it is linear.

    .. math::  e_{uv} = a^\top \mathrm{LeakyReLU}(h_u + g_v), \quad
               \alpha_{uv} = \mathrm{softmax}_{u \to v} e_{uv}, \quad o_v = \sum_u \alpha_{uv} h_u

    Args:
        h_src: ``[S, H, D]`` projected sources.
        h_dst: ``[N, H, D]`` g, projected targets.
        a: ``[H, D]`` direction of the logit, one per head.
        edge_index: ``[2, E]`` row 0 source -> row 1 target; self-loops are edges.
        negative_slope: Slope of the LeakyReLU.
        keep: ``[E, H]`` factor of each attention weight: dropout's 0 or 1 / (1 - p); None for 1.

    Shape: out ``[N, H, D]`` (0 for a node without incoming edges), attention ``[E, H]`` before dropout.
    Source: Brody, Alon and Yahav 2022, eq. 7.
    """
    source, target = edge_index[0], edge_index[1]
    both = torch.nn.functional.leaky_relu(h_src[source] + h_dst[target], negative_slope)  # [E, H, D]
    return _weighed(h_src, (both * a).sum(-1), edge_index, num_targets=h_dst.shape[0], keep=keep)


def aggregate_sum(h: Tensor, *, edge_index: Tensor, num_targets: int, weight: Tensor | None) -> Tensor:
    r"""Sum the sources of each node: :math:`o_v = \sum_{u \to v} w_{uv} h_u`.

    Args:
        h: ``[S, C]`` sources.
        edge_index: ``[2, E]`` row 0 source -> row 1 target.
        num_targets: Number of targets N.
        weight: ``[E]`` w; None for 1.

    Shape: ``[N, C]``, 0 for a node without incoming edges.
    """
    messages = h[edge_index[0]]
    if weight is not None:
        messages = messages * weight.unsqueeze(-1)
    out = messages.new_zeros(num_targets, h.shape[1]).index_add_(0, edge_index[1], messages)
    return out.to(h.dtype)


def _weighed(
    h: Tensor, logits: Tensor, edge_index: Tensor, *, num_targets: int, keep: Tensor | None
) -> tuple[Tensor, Tensor]:
    source, target = edge_index[0], edge_index[1]
    attention = softmax(logits, target, num_nodes=num_targets)
    weights = attention if keep is None else attention * keep
    messages = h[source] * weights.unsqueeze(-1)  # wider than h where only h is in half precision
    out = messages.new_zeros(num_targets, *h.shape[1:]).index_add_(0, target, messages)
    return out.to(h.dtype), attention
