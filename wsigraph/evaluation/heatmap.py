"""Heatmaps as arrays: a number per patch, where it lies, and what it means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from wsigraph.data.box import Box
from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import GraphError, expected

if TYPE_CHECKING:
    from torch import Tensor

    from wsigraph.data.spatial_graph import SpatialGraph

_MAX_PIXELS = 2**27  # 1 GB of float64: beyond it coordinates are wrong, or the scale is


def attention_heatmap(graph: SpatialGraph, attention: Tensor, *, of: str = "") -> Heatmap:
    """Attention of one slide, shown as percentile rank.

    Attention sums to 1 over a slide, so its size depends on the number of patches and a few patches take
    most of it; ranks show the order of all patches. Ties share a rank; one patch alone, or all equal, is 50.

    Args:
        graph: The slide.
        attention: ``[N]`` or ``[N, 1]``, as the head gave it.
        of: Whose attention it is, for the legend: a class, a level.

    Units: ``values`` 0 (least attended) to 100; ``raw`` is the attention itself.
    Raises: GraphError: if lengths disagree, values are not finite, or the patch size is unknown.
    """
    raw = _column(graph, attention, "attention")
    size = len(raw)
    ranks = (rankdata(raw) - 1) / (size - 1) * 100 if size > 1 else np.full(size, 50.0)
    whose = f"attention of {of}" if of else "attention"
    meaning = f"{whose}: percentile rank among the patches of the slide ({size}), 100 = most attended"
    return _heatmap(graph, ranks, raw, meaning=meaning, limits=(0.0, 100.0))


def probability_heatmap(graph: SpatialGraph, probability: Tensor, *, class_name: str) -> Heatmap:
    """Probability that each patch is of a class, shown as it is.

    Args:
        graph: The slide.
        probability: ``[N]`` or ``[N, 1]`` in 0..1.
        class_name: The class, for the legend.

    Raises: GraphError: if lengths disagree, values lie outside 0..1, or the patch size is unknown.
    """
    raw = _column(graph, probability, "probability")
    if len(raw) and (raw.min() < 0 or raw.max() > 1):
        raise GraphError(
            expected(
                f"Heatmap '{graph.slide_id}'", "probabilities in 0..1", f"{raw.min():.3g} to {raw.max():.3g}"
            )
        )
    return _heatmap(graph, raw, raw, meaning=f"probability of '{class_name}' per patch", limits=(0.0, 1.0))


def neighbours_heatmap(graph: SpatialGraph) -> Heatmap:
    """Neighbours of each patch, shown as they are: where a graph has gaps, the numbers fall.

    Args:
        graph: The slide.

    Raises: GraphError: if the graph has no edges, or the patch size is unknown.
    """
    if graph.edge_index is None:
        raise GraphError(expected(f"Heatmap '{graph.slide_id}'", "a graph with edges", "none"))
    source, target = graph.edge_index.detach().cpu().numpy()
    raw = np.bincount(target[source != target], minlength=int(graph.num_nodes or 0)).astype(np.float64)
    most = float(raw.max(initial=1.0))
    return _heatmap(graph, raw, raw, meaning="neighbours of each patch", limits=(0.0, most))


def extent(heatmap: Heatmap) -> Box:
    """The rectangle that holds all patches.

    Units: level-0 pixels.
    Raises: GraphError: if there is no patch.
    """
    if not len(heatmap.coords):
        raise GraphError(expected(f"Heatmap '{heatmap.slide_id}'", "at least one patch", "none"))
    x, y = (float(v) for v in heatmap.coords.min(0))
    right, bottom = (float(v) + heatmap.patch_size for v in heatmap.coords.max(0))
    return Box(x, y, right - x, bottom - y)


def rasterise(heatmap: Heatmap, *, px_per_patch: float) -> np.ndarray:
    """Paint the patches into an array that covers :func:`extent`.

    Where patches overlap their mean is painted.

    Args:
        heatmap: The values.
        px_per_patch: Side of a patch in the array; below 1 several patches may share a pixel.

    Returns: ``[height, width]`` float64, NaN where no patch lies.
    Raises: GraphError: if there is no patch or the array would be absurdly large.
    """
    box = extent(heatmap)
    scale = px_per_patch / heatmap.patch_size
    side = max(1, round(px_per_patch))
    corners = np.rint((heatmap.coords - [box.x, box.y]) * scale).astype(np.int64)
    width, height = (int(v) + side for v in corners.max(0))
    if width * height > _MAX_PIXELS:
        raise GraphError(
            expected(
                f"Heatmap '{heatmap.slide_id}'",
                f"an array of at most {_MAX_PIXELS} pixels",
                f"{width} x {height} at {px_per_patch} px per patch",
                todo="Use a smaller px_per_patch.",
            )
        )
    offsets = (np.arange(side)[:, None] * width + np.arange(side)).ravel()
    index = ((corners[:, 1] * width + corners[:, 0])[:, None] + offsets).ravel()
    total = np.bincount(index, weights=np.repeat(heatmap.values, side * side), minlength=width * height)
    count = np.bincount(index, minlength=width * height)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0).reshape(height, width)


def _heatmap(
    graph: SpatialGraph, values: np.ndarray, raw: np.ndarray, *, meaning: str, limits: tuple[float, float]
) -> Heatmap:
    side = _patch_size(graph)
    corners = graph.pos.detach().cpu().numpy().astype(np.float64) - side / 2
    return Heatmap(
        slide_id=graph.slide_id,
        values=values,
        raw=raw,
        coords=corners,
        patch_size=side,
        mpp=float(graph.mpp),
        meaning=meaning,
        limits=limits,
    )


def _patch_size(graph: SpatialGraph) -> float:
    """The patch side, or the lattice step where only that is known."""
    sides = [float(graph.patch_size), float(graph["step"]) if "step" in graph else math.nan]
    for side in sides:
        if math.isfinite(side) and side > 0:
            return side
    raise GraphError(
        expected(
            f"Heatmap '{graph.slide_id}'",
            "a known patch size in level-0 pixels",
            f"patch_size {sides[0]} and no lattice step",
            todo="Set graph.patch_size, or write patch_size_level0 into the feature file.",
        )
    )


def _column(graph: SpatialGraph, values: Tensor, what: str) -> np.ndarray:
    where = f"Heatmap '{graph.slide_id}'"
    if graph.pos is None:
        raise GraphError(expected(where, "patches with coordinates", "none in its feature file"))
    size = len(graph.pos)
    found = values.detach().cpu().numpy().astype(np.float64)
    if found.shape not in ((size,), (size, 1)):
        raise GraphError(
            expected(
                where,
                f"{what} of shape [{size}] ({size} patches)",
                f"{list(found.shape)}",
                todo="Give one slide, and one column of a head with several.",
            )
        )
    if not np.isfinite(found).all():
        raise GraphError(expected(where, f"finite {what}", f"{int((~np.isfinite(found)).sum())} NaN or inf"))
    return found.reshape(size)
