"""Self-loops are edges of the graph, never added by a layer."""

from __future__ import annotations

import torch
from torch_geometric import EdgeIndex

from wsigraph.data.spatial_graph import SpatialGraph


def with_self_loops(graph: SpatialGraph) -> SpatialGraph:
    """The same graph with one edge from every node to itself; existing ones are not doubled.

    Shape: edge_index ``[2, E + N]``, sorted by target.
    """
    n = int(graph.num_nodes or 0)
    edges = (
        torch.empty(2, 0, dtype=torch.long) if graph.edge_index is None else torch.as_tensor(graph.edge_index)
    )
    edges = edges[:, edges[0] != edges[1]]
    loops = torch.arange(n, device=edges.device)
    edges = torch.cat([edges.as_subclass(torch.Tensor), loops.expand(2, n)], dim=1)
    order = torch.argsort(edges[1] * n + edges[0])
    copy = graph.clone()
    copy.edge_index = EdgeIndex(edges[:, order].contiguous(), sort_order="col", sparse_size=(n, n))
    return copy
