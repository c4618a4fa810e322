"""AnnData and zarr: tables of LazySlide, of squidpy and of our own."""

from __future__ import annotations

import math
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import zarr

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError, MissingExtraError
from wsigraph.graph.build import to_graph
from wsigraph.io.anndata_file import write_anndata
from wsigraph.io.features import read_features

GRID = np.stack(np.meshgrid(np.arange(6), np.arange(5)), axis=-1).reshape(-1, 2)
GRID = np.random.default_rng(0).permutation(GRID)[:24]
X = np.random.default_rng(1).normal(size=(len(GRID), 5)).astype(np.float32)


def stands(features, coords, source):
    assert features.source == source
    assert np.array_equal(features.x, X)
    assert np.array_equal(features.coords, coords)
    assert features.step_level0 == 512.0
    assert to_graph(features).card().step_confidence == 1.0


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_lazyslide_tables_of_a_spatialdata_store(tmp_path, zarr_format, monkeypatch):
    store = tmp_path / "slide_1.zarr"
    spec = {"tiles": {"width": 256, "height": 256, "base_downsample": 2.0, "mpp": 0.5}}
    root = zarr.open_group(store, mode="w", zarr_format=zarr_format)
    root.attrs.update({"tile_spec": spec, "slide_properties": {"mpp": 0.25}})
    root.create_group("tables")
    monkeypatch.setattr(zarr, "consolidate_metadata", lambda *a, **k: None)  # it warns, and we do not read it
    obs = pd.DataFrame(index=pd.Index([str(i) for i in range(len(X))], dtype=object))
    table = anndata.AnnData(X=X, obs=obs, obsm={"spatial": GRID * 512})
    with anndata.settings.override(zarr_write_format=zarr_format, allow_write_nullable_strings=True):
        table.write_zarr(store / "tables" / "uni_tiles")
    features = read_features(store)
    stands(features, GRID * 512, "lazyslide")
    assert (features.slide_id, features.encoder, features.mpp) == ("slide_1", "uni", 0.25)
    assert (features.patch_size_level0, features.patch_px, features.target_mpp) == (512.0, 256, 0.5)
    stands(read_features(store / "tables" / "uni_tiles"), GRID * 512, "lazyslide")
    with anndata.settings.override(zarr_write_format=zarr_format, allow_write_nullable_strings=True):
        table.write_zarr(store / "tables" / "virchow_tiles")
    with pytest.raises(
        FeatureFileError, match=r"one table of features, got \['uni_tiles', 'virchow_tiles'\]"
    ):
        read_features(store)


def test_a_store_of_many_chunks_and_ragged_ends(tmp_path):
    for number, packer in enumerate([None, "auto", zarr.codecs.GzipCodec(), zarr.codecs.BloscCodec()]):
        root = zarr.open_group(tmp_path / f"{number}.zarr", mode="w")
        root.create_array("X", data=X, chunks=(7, 2), compressors=packer)
        root.create_array("obsm/spatial", data=GRID * 512 + 64, chunks=(10, 2), compressors=packer)
        features = read_features(tmp_path / f"{number}.zarr")
        assert np.array_equal(features.x, X)
        assert np.array_equal(features.coords, GRID * 512 + 64)


def test_anndata_of_our_own_gives_the_same_graph_back(tmp_path):
    facts = {"patch_size_level0": 512.0, "step_level0": 512.0, "mpp": 0.25, "patch_px": 256}
    graph = to_graph(PatchFeatures("s", X, GRID * 512, **facts))
    write_anndata(tmp_path / "s.h5ad", graph)
    features = read_features(tmp_path / "s.h5ad")
    stands(features, GRID * 512, "h5ad")
    assert (features.patch_size_level0, features.patch_px, features.mpp) == (512.0, 256, 0.25)
    assert torch.equal(to_graph(features).pos, graph.pos)


def test_anndata_of_others_has_corners(tmp_path):
    obs = pd.DataFrame(index=pd.Index([str(i) for i in range(len(X))], dtype=object))
    table = anndata.AnnData(X=X, obs=obs, obsm={"spatial": GRID * 512})
    with anndata.settings.override(allow_write_nullable_strings=True):
        table.write_h5ad(tmp_path / "s.h5ad")
    features = read_features(tmp_path / "s.h5ad")
    stands(features, GRID * 512, "h5ad")
    assert (features.step_level0, math.isnan(features.mpp)) == (512.0, True)
    with h5py.File(tmp_path / "s.h5ad", "r+") as file:
        del file["obsm"]
        file["obsm"] = h5py.SoftLink("/obs")
    with pytest.raises(FeatureFileError, match="soft link"):
        read_features(tmp_path / "s.h5ad")


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    zarr.open_group(tmp_path / "s.zarr", mode="w").create_array("X", data=X)
    monkeypatch.setitem(sys.modules, "numcodecs", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wsigraph\[scverse\]'"):
        read_features(tmp_path / "s.zarr")
