"""Graph attention into the supernodes alone: all that is needed where nothing else is read."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu
from torch_geometric.utils import softmax

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.dropout import dropout
from wsigraph.nn.layers.gat import GATLayer

NEGATIVE_SLOPE = 0.2


def into_supernodes(
    layer: GATLayer, x: Tensor, adjacency: Adjacency, *, num_nodes: int
) -> tuple[Tensor, Tensor]:
    r"""One round of attention, computed at the supernodes only.

    The projection is linear, so the weighted sum runs over the layer's input and is projected afterwards, and
    the logits need one column per head. Equal to ``layer(x, adjacency)[num_nodes:]``:

    .. math::  o_s = \Vert_k W_k \sum_{u \to s} \mathrm{drop}(\alpha^k_{us})\, \mathrm{drop}(x_u) + b + R(x_s)

    Args:
        layer: A graph attention layer.
        x: ``[N + B, in_channels]`` patches, then one supernode per slide.
        adjacency: Edges among all of them.
        num_nodes: Number of patches N.

    Shape: out ``[B, heads * head_channels]``, attention ``[N, heads]`` before dropout; it sums to 1 per slide
        and head where all edges into a supernode come from patches.
    """
    x = dropout(x, layer.feature_dropout if layer.training else 0.0)
    first = int(adjacency.by_target.ptr[num_nodes])
    source, target = adjacency.edge_index[0, first:], adjacency.edge_index[1, first:] - num_nodes
    num_slides = x.shape[0] - num_nodes
    weight = layer.project.weight.view(layer.heads, layer.head_channels, -1)  # [H, D, C]
    logits_src = x @ torch.einsum("hd,hdc->ch", layer.attend_src[0], weight)  # [N + B, H]
    logits_dst = x[num_nodes:] @ torch.einsum("hd,hdc->ch", layer.attend_dst[0], weight)  # [B, H]
    logits = leaky_relu(logits_src[source] + logits_dst[target], NEGATIVE_SLOPE)
    attention = softmax(logits, target, num_nodes=num_slides)  # [edges, H]
    kept = dropout(attention, layer.attention_dropout if layer.training else 0.0)
    ends = adjacency.by_target.ptr[num_nodes:] - first
    slides = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    pooled = torch.stack([kept[a:b].T @ _rows(x, source[a:b]) for a, b in slides])  # [B, H, C]
    out = torch.einsum("bhc,hdc->bhd", pooled, weight).flatten(1)
    out = layer.finish(out, layer.residual_of(x[num_nodes:]))
    return out, _per_node(attention, source, num_nodes=num_nodes)


def attention_into(attention: Tensor, adjacency: Adjacency, *, num_nodes: int) -> Tensor:
    """Attention of each patch into its slide's supernode, ``[N, H]``, from that of all edges ``[E, H]``."""
    first = int(adjacency.by_target.ptr[num_nodes])
    return _per_node(attention[first:], adjacency.edge_index[0, first:], num_nodes=num_nodes)


def _rows(x: Tensor, source: Tensor) -> Tensor:
    """``x[source]``, without a copy where the sources are neighbours in memory, as patches of a slide are."""
    n = len(source)
    if n and int(source[-1]) - int(source[0]) == n - 1 and bool((source.diff() == 1).all()):
        return x[int(source[0]) : int(source[0]) + n]
    return x[source]


def _per_node(attention: Tensor, source: Tensor, *, num_nodes: int) -> Tensor:
    attention = attention.detach()
    out = attention.new_zeros(num_nodes, attention.shape[1])
    inside = source < num_nodes
    return out.index_add_(0, source[inside], attention[inside])
