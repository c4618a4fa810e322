"""A spatially coherent part of a slide: the patches nearest to one of them, and the edges among these."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor
from torch_geometric import EdgeIndex

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, expected


def spatial_window(graph: SpatialGraph, seed_node: int, size: int) -> SpatialGraph:
    """The ``size`` patches nearest to one of them, with all edges among these and no other.

    Patches keep their order. Of patches equally far, those with the smaller x, then y, come first, so that
    the order of rows decides nothing. Per-patch and per-edge values are cut, all others kept.

    Args:
        graph: A slide.
        seed_node: The patch to start from.
        size: Patches to keep; a slide of no more comes back as it is.

    Units: distances are Euclidean, in the units of ``pos``.
    Raises: GraphError: if ``seed_node`` is no node of the graph, ``size`` is not positive, or the slide has
        no coordinates.
    """
    num_nodes = 0 if graph.x is None else graph.x.shape[0]
    where = f"Window of slide '{graph.slide_id}'"
    if size < 1:
        raise GraphError(expected(where, "at least one patch", f"{size}"))
    if not 0 <= seed_node < num_nodes:
        raise GraphError(expected(where, f"a patch of 0 to {num_nodes - 1}", f"{seed_node}"))
    if num_nodes <= size:
        return graph
    if graph.pos is None:
        raise GraphError(
            expected(
                where,
                "coordinates, by which the nearest patches are told",
                "none",
                todo="Train on whole slides: --set sampler.window_patches=null.",
            )
        )
    inside = torch.from_numpy(_nearest(graph.pos.double().numpy(), seed_node, size))
    edges, kept = _induced(graph.edge_index, inside)
    window = copy.copy(graph)
    for key, value in graph.to_dict().items():
        if key == "edge_index":
            window.edge_index = edges
        elif graph.is_node_attr(key):
            window[key] = value[inside]
        elif graph.is_edge_attr(key):
            window[key] = value[kept]
    return window


def _nearest(points: np.ndarray, seed_node: int, size: int) -> np.ndarray:
    """``[N]`` bool: the ``size`` points nearest to one of them."""
    distance = np.square(points - points[seed_node]).sum(1)
    farthest = np.partition(distance, size - 1)[size - 1]
    inside = distance < farthest
    border = np.flatnonzero(distance == farthest)
    order = np.lexsort((points[border, 1], points[border, 0]))
    inside[border[order[: size - int(inside.sum())]]] = True
    return inside


def _induced(edge_index: Tensor | None, inside: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Edges among the kept nodes, renumbered, in their order; and which edges these are."""
    if edge_index is None:
        return None, None
    edges = edge_index.as_tensor() if isinstance(edge_index, EdgeIndex) else edge_index
    kept = inside[edges[0]] & inside[edges[1]]
    renumbered = torch.cumsum(inside, 0) - 1
    cut = renumbered[edges[:, kept]].contiguous()
    if not isinstance(edge_index, EdgeIndex):
        return cut, kept
    n = int(inside.sum())
    return EdgeIndex(cut, sparse_size=(n, n), sort_order=edge_index.sort_order), kept
