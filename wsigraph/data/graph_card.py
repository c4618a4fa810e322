"""Facts about a graph, with warnings, so that a wrong one is seen before a model is trained on it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from wsigraph.data.spatial_graph import SpatialGraph

ISOLATED_SHARE = 0.05
"""More isolated patches than this share is a warning."""
LOW_CONFIDENCE = 0.95
NO_COORDINATES = "no coordinates: only set methods can use these features"


@dataclass(frozen=True)
class GraphCard:
    """What one graph is like.

    Args:
        slide_id: Name of the slide.
        builder: Builder and its arguments as JSON, ``""`` where unknown.
        num_nodes: Patches.
        num_edges: Directed edges (a joined pair counts twice), self-loops left out.
        mean_degree: Mean number of neighbours.
        max_degree: Largest number of neighbours.
        isolated: Patches without a neighbour.
        components: Connected parts.
        longest_edge: Longest distance of joined patches, 0 without edges.
        step: Lattice step, NaN where there is none.
        step_confidence: 0 to 1, how well the coordinates keep to that lattice.
        mpp: Microns per level-0 pixel, NaN where unknown.
        duplicates: Patches beyond the first at their coordinates.
        notes: What readers and builders inferred or mended.
        warnings: What a careful user should look at.

    Units: level-0 pixels for ``longest_edge`` and ``step``.
    """

    slide_id: str
    builder: str
    num_nodes: int
    num_edges: int
    mean_degree: float
    max_degree: int
    isolated: int
    components: int
    longest_edge: float
    step: float
    step_confidence: float
    mpp: float
    duplicates: int
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON except that unknown numbers are NaN."""
        return {**asdict(self), "notes": list(self.notes), "warnings": list(self.warnings)}


def describe(graph: SpatialGraph) -> GraphCard:
    """Count what is there; nothing is believed of the builder but its name.

    Args:
        graph: One slide's graph (not a batch).
    """
    num_nodes = int(graph.num_nodes or 0)
    index = _index(graph)
    degree = np.bincount(index[1], minlength=num_nodes)
    pos = None if graph.pos is None else graph.pos.detach().cpu().double().numpy()
    length = np.zeros(0) if pos is None else np.linalg.norm(pos[index[0]] - pos[index[1]], axis=1)
    facts: dict[str, Any] = {
        "num_nodes": num_nodes,
        "num_edges": int(index.shape[1]),
        "mean_degree": float(index.shape[1] / num_nodes) if num_nodes else 0.0,
        "max_degree": int(degree.max(initial=0)),
        "isolated": int((degree == 0).sum()),
        "components": _components(index, num_nodes),
        "longest_edge": float(length.max(initial=0.0)),
        "step": float(_fact(graph, "step", math.nan)),
        "step_confidence": float(_fact(graph, "step_confidence", math.nan)),
        "mpp": float(graph.mpp),
        "duplicates": 0 if pos is None else num_nodes - len(np.unique(pos, axis=0)),
    }
    return GraphCard(
        slide_id=str(graph.slide_id),
        builder=str(_fact(graph, "builder", "")),
        notes=tuple(note for note in str(_fact(graph, "notes", "")).split("\n") if note),
        warnings=tuple(_warnings(facts) if pos is not None else (NO_COORDINATES,)),
        **facts,
    )


def _index(graph: SpatialGraph) -> np.ndarray:
    if graph.edge_index is None:
        return np.empty((2, 0), dtype=np.int64)
    import torch  # what only reads thresholds and values of cards need not load it

    index = graph.edge_index.detach().cpu().as_subclass(torch.Tensor).numpy()
    return index[:, index[0] != index[1]]


def _fact(graph: SpatialGraph, name: str, default: Any) -> Any:
    return graph[name] if name in graph else default  # noqa: SIM401 - Data has no get


def _components(index: np.ndarray, num_nodes: int) -> int:
    if not num_nodes:
        return 0
    matrix = sparse.csr_matrix((np.ones(index.shape[1]), (index[0], index[1])), shape=(num_nodes, num_nodes))
    return int(sparse.csgraph.connected_components(matrix, directed=False)[0])


def _warnings(facts: dict[str, Any]) -> list[str]:
    nodes, isolated, found = facts["num_nodes"], facts["isolated"], []
    if nodes > 1 and not facts["num_edges"]:
        found.append(f"no edges among {nodes} patches: a graph model sees a set")
    elif nodes > 1 and isolated > ISOLATED_SHARE * nodes:
        found.append(
            f"{isolated} of {nodes} patches ({isolated / nodes:.0%}) are isolated: check the lattice step"
        )
    if nodes > 1 and not facts["step_confidence"] >= LOW_CONFIDENCE:
        found.append(
            f"no sure lattice (step {facts['step']:g} px, confidence {facts['step_confidence']:.2f}): "
            "neighbours are found by distance"
        )
    if math.isnan(facts["mpp"]):
        found.append("mpp unknown: distances in um cannot be given")
    if facts["duplicates"]:
        found.append(f"{facts['duplicates']} patches share coordinates with another")
    return found
