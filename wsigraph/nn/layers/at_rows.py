"""Graph attention at some rows only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import dropout, linear

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.nn.layers.gat import GATLayer


def at_rows(layer: GATLayer, x: Tensor, adjacency: Adjacency, rows: Tensor) -> Tensor:
    r"""One round of attention, computed where it is read. Equal to ``layer(x, adjacency)[rows]``.

    A layer of one head sums over neighbours on the thinner side of its projection, since a sum commutes
    with a linear map: the input where that is the narrower one.

    Args:
        layer: A graph attention layer.
        x: ``[N, in_channels]``.
        adjacency: Edges among the N nodes.
        rows: ``[N]`` bool, where the output is read.

    Shape: ``[number of rows, heads * head_channels]``, in the order of the nodes.
    """
    x = dropout(x, layer.feature_dropout, layer.training)
    into, at = adjacency.into(rows), x[rows]
    weight = layer.project.weight.view(layer.heads, layer.head_channels, -1)  # [H, D, C]
    thin = layer.heads == 1 and x.shape[1] <= layer.head_channels
    out, _ = graph_attention(
        x.unsqueeze(1) if thin else layer.project(x).view(-1, layer.heads, layer.head_channels),
        x @ torch.einsum("hd,hdc->ch", layer.attend_src[0], weight),  # [N, H]
        at @ torch.einsum("hd,hdc->ch", layer.attend_dst[0], weight),
        adjacency=into,
        dropout=layer.attention_dropout if layer.training else 0.0,
    )
    out = linear(out[:, 0], layer.project.weight) if thin else out.flatten(1)
    return layer.finish(out, layer.residual_of(at))
