"""Features become a spatial graph."""

from __future__ import annotations

import json

import numpy as np
import torch
from torch_geometric import EdgeIndex

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.edges import positions_of
from wsigraph.graph.lattice import Lattice, lattice_of


def to_graph(
    features: PatchFeatures, builder: GraphBuilder | None = None, *, edges: Edges | None = None
) -> SpatialGraph:
    """Connect the patches of one slide.

    Args:
        features: Encoded patches of one slide.
        builder: Strategy; ``KNN(k=8)`` if none is given.
        edges: What this very builder found in these features before; looked for where not given.

    Returns: The graph, with edges as an ``EdgeIndex`` sorted by target and without self-loops, and what the
        graph card tells (``step``, ``step_confidence``, ``duplicates``, ``builder``, ``notes``).

    Units: level-0 pixels for ``pos``, ``patch_size``, ``step``; um/px for ``mpp``, ``target_mpp``.
    Raises: GraphError: if the slide has no patch, or several and not one edge, or no coordinates where the
        builder needs them.
    """
    builder = KNN() if builder is None else builder
    where = f"Graph of slide '{features.slide_id}'"
    if not len(features):
        raise GraphError(expected(where, "at least one patch", "0", todo="Leave this slide out."))
    if builder.uses_coords and not features.has_coords:
        raise GraphError(
            expected(
                where,
                f"coordinates of {len(features)} patches, which builder '{builder.name}' joins by",
                "none in its file",
                todo="Write them when encoding, put them beside the features, or use a set method, see "
                "'wsigraph models'.",
            )
        )
    lattice = lattice_of(features)
    edges = builder.edges(features) if edges is None else edges
    features = builder.placed(features)
    if not edges.index.shape[1] and len(features) > 1 and not builder.may_be_edgeless:
        raise GraphError(
            expected(
                where,
                f"edges among {len(features)} patches",
                f"0 from builder '{builder.name}' at a step of {lattice.step:g} px",
                todo="Check patch_size_level0 and step of the file, or use builder 'edgeless' on purpose.",
            )
        )
    patch_size, notes = _patch_size(features, lattice)
    return SpatialGraph(
        _features_tensor(features.x),
        _edge_index(edges.index, len(features)),
        pos=_centres(features.coords, patch_size) if features.has_coords else None,
        patch_size=patch_size,
        mpp=features.mpp,
        slide_id=features.slide_id,
        target_mpp=float(features.target_mpp),
        patch_px=int(features.patch_px),
        encoder=features.encoder,
        builder=json.dumps(builder.to_dict(), sort_keys=True),
        step=float(lattice.step),
        step_confidence=float(lattice.confidence),
        duplicates=positions_of(features.coords).duplicates,
        notes="\n".join((*features.notes, *notes, *edges.notes)),
    )


def _patch_size(features: PatchFeatures, lattice: Lattice) -> tuple[float, tuple[str, ...]]:
    size = float(features.patch_size_level0)
    if size > 0 or not lattice.confident:
        return size, ()
    return lattice.step, (f"patch size unknown: taken as the lattice step of {lattice.step:g} px",)


def _features_tensor(x: np.ndarray) -> torch.Tensor:
    """float16 stays float16 (half the memory; models cast), the rest becomes float32."""
    kind = np.float16 if x.dtype == np.float16 else np.float32
    return torch.from_numpy(np.array(x, dtype=kind, order="C"))


def _centres(coords: np.ndarray, patch_size: float) -> torch.Tensor:
    """Patch centres; float32 where it holds them exactly, else float64."""
    centres = coords + (patch_size / 2 if patch_size > 0 else 0.0)
    single = centres.astype(np.float32)
    return torch.from_numpy(single if (single == centres).all() else centres)


def _edge_index(index: np.ndarray, num_nodes: int) -> EdgeIndex:
    order = np.argsort(index[1], kind="stable") if (np.diff(index[1]) < 0).any() else slice(None)
    return EdgeIndex(
        torch.from_numpy(np.ascontiguousarray(index[:, order])),
        sparse_size=(num_nodes, num_nodes),
        sort_order="col",
    )
