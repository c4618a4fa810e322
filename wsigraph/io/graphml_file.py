"""Graphs as GraphML, which networkx, Gephi, Cytoscape and igraph read."""

from __future__ import annotations

from pathlib import Path

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.export import plain_edges, to_networkx
from wsigraph.io.atomic import atomic_path


def write_graphml(path: str | Path, graph: SpatialGraph) -> None:
    """Write one slide's graph as GraphML: nodes with ``x`` and ``y``, undirected edges with ``length``.

    Features are left out: as text they would take gigabytes. The graph carries ``slide_id``, ``mpp`` and
    ``patch_size``; an unknown number is ``nan``.

    Units: level-0 pixels.
    Raises: GraphError: if the graph has no edges or no positions.
    """
    import networkx

    plain_edges(graph)
    made = to_networkx(graph)
    for _, values in made.nodes(data=True):
        values["x"], values["y"] = values.pop("pos")
    with atomic_path(path) as temporary:
        networkx.write_graphml(made, temporary)
