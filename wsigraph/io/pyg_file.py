"""Graphs as files of plain tensors, from which PyG's ``Data`` is made without wsigraph."""

from __future__ import annotations

from pathlib import Path

import torch

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.export import to_data
from wsigraph.io.atomic import atomic_path


def write_pyg(path: str | Path, graph: SpatialGraph) -> None:
    """Write one slide's graph as ``.pt``: a dict of tensors, numbers and text, no pickled class.

    ``Data(**torch.load(path, weights_only=True))`` makes the ``Data`` of ``wsigraph.graph.export.to_data``
    again, with PyG alone.

    Raises: GraphError: if the graph has no edges or no positions.
    """
    held = {
        name: value.detach().cpu().contiguous().clone() if isinstance(value, torch.Tensor) else value
        for name, value in to_data(graph).to_dict().items()
    }
    with atomic_path(path) as temporary:
        torch.save(held, temporary)
