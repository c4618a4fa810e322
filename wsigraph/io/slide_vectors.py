"""One vector per slide, as HDF5 or AnnData."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.anndata_file import need_anndata
from wsigraph.io.atomic import atomic_path
from wsigraph.io.features.guard import open_guarded
from wsigraph.io.hdf5_text import fixed_text

MARK = "wsigraph-slides-1"
ANNDATA = ".h5ad"
GROWTH = 2**22


def write_slide_vectors(
    path: str | Path,
    vectors: np.ndarray,
    slides: Sequence[str],
    *,
    columns: Mapping[str, Sequence[str]],
    facts: Mapping[str, str],
) -> None:
    """Write a row per slide: as AnnData where the name ends in ``.h5ad``, else as plain HDF5.

    HDF5: ``embedding`` float32, ``slide_id`` and other columns as text of fixed length, facts as attributes.
    AnnData: ``X``, names of observations, ``obs`` and ``uns['wsigraph']``.

    Args:
        path: Where to.
        vectors: ``[S, C]``.
        slides: Slide of each row.
        columns: What else is known of each slide, as text.
        facts: Where the vectors come from.

    Raises: MissingExtraError: if anndata is needed and not installed.
    """
    x = np.ascontiguousarray(vectors, dtype=np.float32)
    if Path(path).suffix == ANNDATA:
        names = pd.Index(list(slides), dtype=object)
        known = {name: pd.Series(list(own), index=names, dtype=object) for name, own in columns.items()}
        obs = pd.DataFrame(known, index=names)
        var = pd.DataFrame(index=pd.Index([f"embedding_{i}" for i in range(x.shape[1])], dtype=object))
        made = need_anndata("Slide vectors").AnnData(X=x, obs=obs, var=var, uns={"wsigraph": dict(facts)})
        with atomic_path(path) as temporary:
            made.write_h5ad(temporary)
        return
    with h5py.File("image", "w", driver="core", backing_store=False, block_size=GROWTH) as file:
        file.create_dataset("embedding", data=x, chunks=x.shape, fletcher32=True)
        for name, texts in {"slide_id": slides, **columns}.items():
            stored = np.array([text.encode() for text in texts])
            file.create_dataset(name, data=stored.astype(h5py.string_dtype("utf-8", stored.dtype.itemsize)))
        for name, text in {"format": MARK, **facts}.items():
            file.attrs[name] = fixed_text(text)
        file.flush()
        image = file.id.get_file_image()
    with atomic_path(path) as temporary:
        temporary.write_bytes(image)


def read_slide_vector(path: str | Path) -> np.ndarray:
    """The only vector in a file of one slide, as tools for slide-level features write it: ``features``, [C].

    Args:
        path: HDF5 with ``features`` of shape [C] or [1, C].

    Shape: ``[C]`` float32.
    Raises: FeatureFileError: if the file is broken, or holds features of patches.
    """
    with open_guarded(path) as file:
        shape = file.shape("features") if "features" in file.datasets else ()
        if not shape or 0 in shape or (len(shape) > 1 and max(shape[:-1]) > 1):
            todo = "Features of patches are averaged by the recipe 'mean_pool'."
            got = f"shape {list(shape)}" if shape else "none"
            raise FeatureFileError(expected(file.where, "one vector 'features' of the slide", got, todo=todo))
        vector = file.read("features").reshape(-1).astype(np.float32)
        where = file.where
    if not np.isfinite(vector).all():
        bad = int((~np.isfinite(vector)).sum())
        raise FeatureFileError(expected(where, "finite features", f"NaN or inf in {bad} of {len(vector)}"))
    return vector
