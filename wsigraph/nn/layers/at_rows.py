"""Graph attention at some rows only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.nn.kernels.dropout import dropout
from wsigraph.nn.layers.gat import GATLayer


def at_rows(layer: GATLayer, x: Tensor, adjacency: Adjacency, rows: Tensor) -> Tensor:
    r"""One round of attention, computed where it is read. Equal to ``layer(x, adjacency)[rows]``.

    Args:
        layer: A graph attention layer.
        x: ``[N, in_channels]``.
        adjacency: Edges among the N nodes.
        rows: ``[N]`` bool, where the output is read.

    Shape: ``[number of rows, heads * head_channels]``, in the order of the nodes.
    """
    x = dropout(x, layer.feature_dropout if layer.training else 0.0)
    if layer.heads == 1 and x.shape[1] <= layer.head_channels:
        out = linear(_attend(layer, x, x.unsqueeze(1), adjacency=adjacency, rows=rows), layer.project.weight)
    else:
        h = layer.project(x).view(-1, layer.heads, layer.head_channels)
        out = _attend(layer, x, h, adjacency=adjacency, rows=rows)
    return layer.finish(out, layer.residual_of(x[rows]))


def sums_at_rows(layer: GATLayer, x: Tensor, adjacency: Adjacency, rows: Tensor) -> Tensor:
    r"""What a layer of one head projects at some rows, since a sum commutes with a linear map.

    .. math::  s_v = \sum_{u \to v} \mathrm{drop}(\alpha_{uv})\, \mathrm{drop}(x_u), \quad o_v = W s_v + b

    Args:
        layer: A graph attention layer of one head, without residual, norm and activation.
        x: ``[N, in_channels]``.
        adjacency: Edges among the N nodes.
        rows: ``[N]`` bool, where the output is read.

    Shape: ``[number of rows, in_channels]``, in the order of the nodes.
    """
    x = dropout(x, layer.feature_dropout if layer.training else 0.0)
    return _attend(layer, x, x.unsqueeze(1), adjacency=adjacency, rows=rows)


def _attend(layer: GATLayer, x: Tensor, h: Tensor, *, adjacency: Adjacency, rows: Tensor) -> Tensor:
    """Weighted sums of ``h [N, H, D]`` at some rows, weights from the logits of the dropped input ``x``."""
    weight = layer.project.weight.view(layer.heads, layer.head_channels, -1)  # [H, D, C]
    out, _ = graph_attention(
        h,
        x @ torch.einsum("hd,hdc->ch", layer.attend_src[0], weight),  # [N, H]
        x[rows] @ torch.einsum("hd,hdc->ch", layer.attend_dst[0], weight),
        adjacency=adjacency.into(rows),
        dropout=layer.attention_dropout if layer.training else 0.0,
    )
    return out.flatten(1)
