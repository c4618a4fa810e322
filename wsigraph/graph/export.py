"""Graphs for other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsigraph.data.spatial_graph import SpatialGraph

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: SpatialGraph) -> networkx.Graph:
    """The graph as an undirected ``networkx.Graph``.

    Nodes are numbered as rows of ``x`` and carry ``pos`` (x, y); the graph carries ``slide_id``, ``mpp``
    and ``patch_size``; edges carry their ``length``. Self-loops are left out.

    Args:
        graph: One slide's graph.

    Units: level-0 pixels.
    """
    import networkx

    pos = graph.pos.double().tolist()
    out = networkx.Graph(slide_id=graph.slide_id, mpp=float(graph.mpp), patch_size=float(graph.patch_size))
    out.add_nodes_from((node, {"pos": (x, y)}) for node, (x, y) in enumerate(pos))
    if graph.edge_index is not None:
        for source, target in zip(*graph.edge_index.tolist(), strict=True):
            if source != target:
                (x0, y0), (x1, y1) = pos[source], pos[target]
                out.add_edge(source, target, length=((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    return out
