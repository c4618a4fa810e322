"""Graphs for other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.data import Data

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, expected

if TYPE_CHECKING:
    import networkx

ABOUT = ("slide_id", "patch_size", "step", "mpp", "target_mpp", "patch_px", "encoder", "builder")
"""What a graph says of itself; attributes that it does not have are left out."""


def to_networkx(graph: SpatialGraph) -> networkx.Graph:
    """The graph as an undirected ``networkx.Graph``.

    Nodes are numbered as rows of ``x`` and carry ``pos`` (x, y); the graph carries ``slide_id``, ``mpp``
    and ``patch_size``; edges carry their ``length``. Self-loops are left out.

    Args:
        graph: One slide's graph.

    Units: level-0 pixels.
    Raises: GraphError: if the graph has no coordinates.
    """
    import networkx

    if graph.pos is None:
        raise GraphError(expected(f"SpatialGraph '{graph.slide_id}'", "coordinates", "none"))
    pos = graph.pos.double().tolist()
    out = networkx.Graph(slide_id=graph.slide_id, mpp=float(graph.mpp), patch_size=float(graph.patch_size))
    out.add_nodes_from((node, {"pos": (x, y)}) for node, (x, y) in enumerate(pos))
    if graph.edge_index is not None:
        for source, target in zip(*graph.edge_index.tolist(), strict=True):
            if source != target:
                (x0, y0), (x1, y1) = pos[source], pos[target]
                out.add_edge(source, target, length=((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    return out


def to_data(graph: SpatialGraph) -> Data:
    """The graph as a plain PyG ``Data`` of tensors, numbers and text, which needs no wsigraph to be read.

    It has ``x``, ``edge_index`` (a plain tensor, as it stands in the graph), ``edge_attr`` (the length of
    each edge), ``pos``, and what the graph says of itself (``slide_id``, ``patch_size``, ``mpp`` ...).

    Args:
        graph: One slide's graph.

    Shape: edge_attr ``[E, 1]``.
    Units: level-0 pixels for ``pos``, ``edge_attr`` and ``patch_size``.
    Raises: GraphError: if it has no edges or no positions.
    """
    edges = plain_edges(graph)
    length = edge_lengths(graph).to(graph.pos.dtype).unsqueeze(-1)
    return Data(x=graph.x, edge_index=edges, edge_attr=length, pos=graph.pos, **facts(graph))


def plain_edges(graph: SpatialGraph) -> Tensor:
    """``edge_index`` as a plain tensor ``[2, E]``.

    Raises: GraphError: if the graph has none, or no positions.
    """
    if graph.edge_index is None or graph.pos is None:
        lacks = "edges" if graph.edge_index is None else "coordinates"
        raise GraphError(expected(f"SpatialGraph '{graph.slide_id}'", "edges and coordinates", f"no {lacks}"))
    index = graph.edge_index
    return index.as_tensor() if isinstance(index, EdgeIndex) else index


def edge_lengths(graph: SpatialGraph) -> Tensor:
    """Distance of the two ends of each edge, ``[E]`` float64, in level-0 pixels."""
    source, target = plain_edges(graph)
    return torch.linalg.vector_norm((graph.pos[source] - graph.pos[target]).double(), dim=1)


def facts(graph: SpatialGraph) -> dict[str, str | int | float]:
    """What the graph says of itself, by the names of ``ABOUT``."""
    return {name: graph[name] for name in ABOUT if name in graph}
