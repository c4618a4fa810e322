"""Rows written out along edges: what aggregations do where no fused loop runs."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency


def into_targets(adjacency: Adjacency) -> Adjacency:
    """Edges from rows ``[E, ...]``, one per edge, into the targets."""
    target = adjacency.edge_index[1]
    edges = torch.arange(target.shape[0], device=target.device)
    return Adjacency(torch.stack([edges, target]), adjacency.num_nodes, target.shape[0])


def widened(values: Tensor) -> Tensor:
    """Half precision in single precision, everything else as it is."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
