"""Edges kept beside packed feature files, so that a graph need not be built again every epoch."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

from wsigraph.errors import FeatureFileError
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.io.atomic import atomic_path
from wsigraph.io.features import features_hash
from wsigraph.io.features.finder import slide_name
from wsigraph.io.features.guard import open_guarded
from wsigraph.io.hdf5_text import fixed_text

FOLDER = "edges"
MARK = "wsigraph-edges-1"
CHUNK_BYTES = 2**20
GROWTH = 2**20


def edges_file(features: Path, builder: GraphBuilder) -> Path:
    """Where edges that a builder finds are kept: ``edges/<builder>-<hash>/<slide>.h5`` beside the file."""
    digest = hashlib.sha256(_told(builder).encode()).hexdigest()[:8]
    return features.parent / FOLDER / f"{builder.name}-{digest}" / f"{slide_name(features)}.h5"


def write_edges(features: Path, builder: GraphBuilder, edges: Edges) -> Path:
    """Keep edges, with the hash of the features that they belong to.

    Args:
        features: Feature file that ``write_features`` wrote.
        builder: What found them.
        edges: The edges.

    Returns: The file.
    Raises: FeatureFileError: if the features cannot be read.
    """
    path = edges_file(features, builder)
    index = np.ascontiguousarray(edges.index, dtype="<i4")
    with h5py.File("image", "w", driver="core", backing_store=False, block_size=GROWTH) as file:
        chunks = (2, max(1, min(index.shape[1], CHUNK_BYTES // 8)))
        plain = {"chunks": chunks, "fletcher32": True} if index.shape[1] else {}
        file.create_dataset("edges", data=index, **plain)
        for name, text in _facts(features, builder).items():
            file.attrs[name] = fixed_text(text)
        file.attrs["notes"] = fixed_text("\n".join(edges.notes))
        file.flush()
        image = file.id.get_file_image()
    with atomic_path(path) as temporary:
        temporary.write_bytes(image)
    return path


def cached_edges(features: Path, builder: GraphBuilder, *, num_nodes: int) -> Edges | None:
    """Edges kept of a feature file; None where there are none, or they are damaged, or of other features,
    another builder or another version of wsigraph: then they are to be found anew.

    Args:
        features: The feature file.
        builder: What is to find them.
        num_nodes: Patches of the slide.
    """
    path = edges_file(features, builder)
    if not path.is_file():
        return None
    try:
        with open_guarded(path) as file:
            stored = file.attributes()
            if any(stored.get(name) != text for name, text in _facts(features, builder).items()):
                return None
            index = file.read("edges").astype(np.int64)
    except (FeatureFileError, KeyError):
        return None
    if index.ndim != 2 or len(index) != 2 or (index.size and not 0 <= index.min() <= index.max() < num_nodes):
        return None
    return Edges(index, tuple(note for note in str(stored.get("notes", "")).split("\n") if note))


def _facts(features: Path, builder: GraphBuilder) -> dict[str, str]:
    """What edges depend on."""
    return {
        "format": MARK,
        "features_sha256": features_hash(features),
        "builder": _told(builder),
        "wsigraph": version("wsigraph"),
    }


def _told(builder: GraphBuilder) -> str:
    return json.dumps(builder.to_dict(), sort_keys=True)
