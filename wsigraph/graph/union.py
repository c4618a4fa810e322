"""Several slides of one patient as one graph, each in a frame of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric import EdgeIndex

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, expected

GAP = 10.0
"""Patches that frames stand apart."""
SAME = 0.01
"""Share by which mpp or patch size may differ and still count as the same."""


def union(graphs: Sequence[SpatialGraph], *, name: str) -> SpatialGraph:
    """Disjoint union of graphs: all nodes and all edges of each, and no edge between two slides.

    Slides laid over each other in one coordinate frame give neighbours that never lay side by side. Here the
    edges were built slide by slide before, and frames are set apart along x, so that parts that read
    positions cannot mix them either. ``frame [N]`` numbers each node's slide. ``frames`` tells, as JSON, each
    slide's ``slide_id``, ``first`` node, the ``x`` and ``y`` to take away from its positions, and the
    ``scale`` to divide them by then, for its own level-0 pixels.

    Args:
        graphs: Graphs of one patient's slides, built alike.
        name: Name of the whole, ``slide_id`` of the union.

    Shape: ``[N_1, C], [N_2, C] ...`` -> ``[N_1 + N_2 + ..., C]``.
    Units: level-0 pixels of the first slide, to whose mpp the others are scaled where all are known.
    Raises: GraphError: if there is none, or they differ in channels, encoder, builder or having coordinates.
    """
    _check(graphs, name)
    mpps = [float(graph.mpp) for graph in graphs]
    known = all(mpp > 0 for mpp in mpps)
    scales = [mpp / mpps[0] if known else 1.0 for mpp in mpps]
    starts = [0]
    for graph in graphs:
        starts.append(starts[-1] + int(graph.num_nodes or 0))
    pos, frames = _side_by_side(graphs, scales, starts)
    return SpatialGraph(
        torch.cat([graph.x for graph in graphs]),
        _edges(graphs, starts),
        pos=pos,
        patch_size=_common([float(g.patch_size) * s for g, s in zip(graphs, scales, strict=True)]),
        mpp=mpps[0] if known else math.nan,
        slide_id=name,
        frame=torch.repeat_interleave(torch.arange(len(graphs)), torch.tensor(starts).diff()),
        frames=json.dumps(frames),
        builder=_fact(graphs[0], "builder", ""),
        step=_common([float(_fact(g, "step", math.nan)) * s for g, s in zip(graphs, scales, strict=True)]),
        step_confidence=min(float(_fact(graph, "step_confidence", math.nan)) for graph in graphs),
        encoder=_fact(graphs[0], "encoder", ""),
        patch_px=_fact(graphs[0], "patch_px", 0),
        target_mpp=_common([float(_fact(graph, "target_mpp", math.nan)) for graph in graphs]),
        notes=f"union of {len(graphs)} slides, each in a frame of its own",
    )


def _check(graphs: Sequence[SpatialGraph], name: str) -> None:
    where = f"Union '{name}'"
    if not graphs:
        raise GraphError(expected(where, "at least one graph", "none"))
    for what in ("channels", "encoder", "builder", "patch_px", "coordinates"):
        found = {graph.slide_id: _kind(graph, what) for graph in graphs}
        if len(set(found.values())) > 1:
            raise GraphError(
                expected(
                    where, f"one kind of {what} in all slides", f"{found}", todo="Build all slides alike."
                )
            )


def _kind(graph: SpatialGraph, what: str) -> object:
    if what == "channels":
        return int(graph.x.shape[1])
    return graph.pos is not None if what == "coordinates" else _fact(graph, what, "")


def _fact(graph: SpatialGraph, name: str, default: Any) -> Any:
    return graph[name] if name in graph else default  # noqa: SIM401 - Data has no get


def _side_by_side(
    graphs: Sequence[SpatialGraph], scales: Sequence[float], starts: Sequence[int]
) -> tuple[Tensor | None, list[dict[str, object]]]:
    placed: list[Tensor] = []
    frames: list[dict[str, object]] = []
    right = 0.0
    for graph, scale, start in zip(graphs, scales, starts, strict=False):
        frame: dict[str, object] = {"slide_id": str(graph.slide_id), "first": start}
        if graph.pos is not None:
            own = graph.pos.double() * scale
            size = float(graph.patch_size) * scale
            low = own.amin(0)
            shift = torch.stack([right - low[0], -low[1]]) if placed else torch.zeros(2, dtype=own.dtype)
            placed.append(own + shift)
            right = float(placed[-1][:, 0].max()) + GAP * (size if size > 0 else float(own.amax()) + 1.0)
            frame |= {"x": float(shift[0]), "y": float(shift[1]), "scale": scale}
        frames.append(frame)
    return (torch.cat(placed) if placed else None), frames


def _edges(graphs: Sequence[SpatialGraph], starts: Sequence[int]) -> EdgeIndex:
    parts = []
    for graph, start in zip(graphs, starts, strict=False):
        edges = graph.edge_index.as_tensor() if isinstance(graph.edge_index, EdgeIndex) else graph.edge_index
        parts.append(edges[:, torch.argsort(edges[1], stable=True)] + start)
    size = (starts[-1], starts[-1])
    return EdgeIndex(torch.cat(parts, dim=1), sparse_size=size, sort_order="col")


def _common(values: Sequence[float]) -> float:
    """The value that all share, NaN where they do not."""
    same = all(abs(value - values[0]) <= SAME * abs(values[0]) for value in values)
    return values[0] if same else math.nan
