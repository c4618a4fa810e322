"""Graphs as AnnData, laid out as squidpy and LazySlide lay theirs out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import MissingExtraError, expected
from wsigraph.graph.export import edge_lengths, facts, plain_edges
from wsigraph.io.atomic import atomic_path

if TYPE_CHECKING:
    from anndata import AnnData

CONNECTIVITIES, DISTANCES = "spatial_connectivities", "spatial_distances"


def write_anndata(path: str | Path, graph: SpatialGraph) -> None:
    """Write one slide's graph as ``.h5ad``; see :func:`to_anndata`.

    Raises: MissingExtraError: if anndata is not installed. GraphError: if the graph has no edges or no
        positions.
    """
    made = to_anndata(graph)
    with atomic_path(path) as temporary:
        made.write_h5ad(temporary)


def to_anndata(graph: SpatialGraph) -> AnnData:
    """The graph as an ``AnnData``: a row per patch, a column per feature.

    ``X`` holds the features, ``obsm['spatial']`` patch centres, ``obsp['spatial_connectivities']`` 1 for each
    edge and ``obsp['spatial_distances']`` its length, row = the patch, columns = its neighbours;
    ``uns['spatial_neighbors']`` says where they are, as squidpy writes it, and ``uns['wsigraph']`` holds what
    the graph says of itself. Self-loops are left out.

    Args:
        graph: One slide's graph.

    Shape: X ``[N, C]`` float32 (float16 is no type of AnnData's tools); obsm ``[N, 2]``; obsp ``[N, N]`` CSR.
    Units: level-0 pixels, for distances too.
    Raises: MissingExtraError: if anndata is not installed. GraphError: if the graph has no edges or no
        positions.
    """
    anndata = need_anndata(f"Slide '{graph.slide_id}'")
    source, target = plain_edges(graph).numpy()
    away = source != target
    count, length = int(graph.num_nodes or 0), edge_lengths(graph).numpy()[away]
    place = (target[away], source[away])
    builder = json.loads(str(graph.builder)) if "builder" in graph else {}
    known = {"n_neighbors": builder["k"]} if "k" in builder else {}
    return anndata.AnnData(
        X=graph.x.float().numpy(),
        obs=_named(f"{graph.slide_id}_", count),
        var=_named("feature_", graph.x.shape[1]),
        obsm={"spatial": graph.pos.double().numpy()},
        obsp={
            CONNECTIVITIES: sparse.csr_matrix((np.ones(len(length)), place), shape=(count, count)),
            DISTANCES: sparse.csr_matrix((length, place), shape=(count, count)),
        },
        uns={
            "spatial_neighbors": {
                "connectivities_key": CONNECTIVITIES,
                "distances_key": DISTANCES,
                "params": {"coord_type": "generic", **known},
            },
            "wsigraph": facts(graph),
        },
    )


def _named(prefix: str, count: int) -> pd.DataFrame:
    # as objects: anndata does not write the strings of pandas 3 unless a setting of the process says so
    return pd.DataFrame(index=pd.Index([f"{prefix}{row}" for row in range(count)], dtype=object))


def need_anndata(what: str) -> Any:
    """The package anndata.

    Args:
        what: What it is needed for, as the error calls it.

    Raises: MissingExtraError: if it is not installed.
    """
    try:
        import anndata
    except ImportError as error:
        raise MissingExtraError(
            expected(
                f"{what} as AnnData",
                "the package anndata",
                "none installed",
                todo="Install it with: pip install 'wsigraph[scverse]'.",
            )
        ) from error
    return anndata
