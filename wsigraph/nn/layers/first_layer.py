"""The first graph attention layer of a view: its rows are never written out."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.nn.kernels.row_projection import project_rows
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.views.base import Seen


def first_layer(layer: GATLayer, seen: Seen) -> Tensor:
    """``layer(seen.h, seen.adjacency)``; on a CPU the projection reads shared rows and token directly.

    Equal to the plain form at dropout 0; with dropout every entry of every row of every pass has a draw of
    its own, as there.

    Args:
        layer: A graph attention layer.
        seen: The rows and edges of a view.

    Shape: ``[N + B, heads * head_channels]``.
    """
    if not _reads_rows(layer, seen):
        return layer(seen.h, seen.adjacency)
    weights = (layer.packed_weight(),) + (() if layer.shortcut is None else (layer.shortcut.weight,))
    packed, *residual = project_rows(
        seen.values,
        weights,
        mask=seen.mask,
        token=seen.token,
        added=seen.supernodes,
        dropout=layer.feature_dropout if layer.training else 0.0,
    )
    out, _ = layer.attend_packed(packed, seen.adjacency)
    return layer.finish(out, residual[0] if residual else None)


def _reads_rows(layer: GATLayer, seen: Seen) -> bool:
    values = seen.values
    fused = values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64)
    return fused and layer.residual != "identity" and not torch.compiler.is_compiling()
