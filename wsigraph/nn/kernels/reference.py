"""Graph attention in plain torch: what every faster kernel is compared with."""

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
    keep: Tensor,
) -> tuple[Tensor, Tensor]:
    r"""Sum the sources of each node, weighed by a softmax over its incoming edges.

    .. math::  e_{uv} = \mathrm{LeakyReLU}(s_u + t_v), \quad
               \alpha_{uv} = \mathrm{softmax}_{u \to v} e_{uv}, \quad o_v = \sum_u \alpha_{uv} h_u

    Args:
        h: ``[N, H, D]`` projected nodes.
        logits_src: ``[N, H]`` s, the source's half of the logit.
        logits_dst: ``[N, H]`` t, the target's half.
        edge_index: ``[2, E]`` row 0 source -> row 1 target; self-loops are edges.
        negative_slope: Slope of the LeakyReLU.
        keep: ``[E, H]`` factor of each attention weight: dropout's 0 or 1 / (1 - p), or 1.

    Shape: out ``[N, H, D]`` (0 for a node without incoming edges), attention ``[E, H]`` before dropout.
    Source: Velickovic et al. 2018, eq. 1-6.
    """
    source, target = edge_index[0], edge_index[1]
    logits = torch.nn.functional.leaky_relu(logits_src[source] + logits_dst[target], negative_slope)
    attention = softmax(logits, target, num_nodes=h.shape[0])
    messages = h[source] * (attention * keep).unsqueeze(-1)
    out = torch.zeros_like(h).index_add_(0, target, messages)
    return out, attention
