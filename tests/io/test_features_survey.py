"""A survey says what reading says, without holding the matrix."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import h5py
import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError
from wsigraph.io.features import features_hash, read_features, write_features
from wsigraph.io.features import survey as module
from wsigraph.io.features.survey import survey_features


def coords_of(count):
    return np.stack([np.arange(count) % 10, np.arange(count) // 10], axis=1) * 256


def plain(path, x, coords=None, **storage):
    """A file as other tools write it."""
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=x, **storage)
        if coords is not None:
            file["coords"] = coords
            file["coords"].attrs["patch_size_level0"] = 256
    return path


STORAGES = [{}, {"chunks": (1, 6)}, {"chunks": (7, 6), "compression": "gzip"}, {"chunks": (90, 2)}]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("storage", STORAGES)
def test_facts_and_hash_are_those_of_reading(tmp_path, monkeypatch, storage, dtype):
    monkeypatch.setattr(module, "BLOCK_BYTES", 200)  # many blocks, the last one short
    x = np.random.default_rng(0).standard_normal((93, 6)).astype(dtype)
    path = plain(tmp_path / "A.h5", x, coords_of(93), **storage)
    found, read = survey_features(path), read_features(path)
    assert found.digest == features_hash(path)
    assert (found.in_channels, found.nonfinite, found.constant) == (6, 0, False)
    assert found.row_by_row == (storage.get("chunks") == (1, 6))
    for fact in fields(PatchFeatures):
        if fact.name != "x":
            np.testing.assert_array_equal(getattr(found.features, fact.name), getattr(read, fact.name))
    assert len(found.features.x) == 93


def test_rows_with_nan_are_counted_and_the_first_ones_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 100)
    x = np.random.default_rng(0).standard_normal((93, 6)).astype(np.float16)
    bad = [3, 40, 41, 60, 77, 90, 92]
    x[bad, 1] = [np.nan, np.inf, -np.inf, np.nan, np.nan, np.inf, np.nan]
    found = survey_features(plain(tmp_path / "A.h5", x, coords_of(93)))
    assert (found.nonfinite, list(found.first_nonfinite)) == (7, bad[:5])


def test_equal_rows_are_seen_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 100)
    x = np.ones((93, 6), dtype=np.float16)
    assert survey_features(plain(tmp_path / "A.h5", x, coords_of(93))).constant
    x[92, 5] = 2
    assert not survey_features(plain(tmp_path / "A.h5", x, coords_of(93))).constant


def test_our_own_hash_is_compared_with_the_data(tmp_path):
    x = np.random.default_rng(0).standard_normal((20, 6)).astype(np.float16)
    path = tmp_path / "A.h5"
    write_features(path, PatchFeatures("A", x, coords_of(20)))
    whole = survey_features(path)
    assert whole.digest == whole.stored_digest == features_hash(path)
    with h5py.File(path, "r+") as file:
        file["features"][3, 3] = 7.0
    assert survey_features(path).digest != whole.stored_digest


def test_an_axis_of_one_before_the_rows_is_dropped(tmp_path):
    x = np.random.default_rng(0).standard_normal((1, 20, 6)).astype(np.float32)
    found = survey_features(plain(tmp_path / "A.h5", x, coords_of(20)))
    assert (len(found.features), found.in_channels, found.constant) == (20, 6, False)


def test_memory_does_not_grow_with_the_matrix(tmp_path):
    x = np.random.default_rng(0).integers(0, 9, (8000, 1024)).astype(np.float16)  # 16 MB
    path = plain(tmp_path / "A.h5", x, coords_of(8000), chunks=(512, 1024))
    survey_features(path)
    tracemalloc.start()
    survey_features(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * module.BLOCK_BYTES < x.nbytes


def test_a_file_cut_short_is_refused(tmp_path):
    path = plain(tmp_path / "A.h5", np.ones((200, 64), dtype=np.float32), coords_of(200))
    path.write_bytes(path.read_bytes()[:30000])
    with pytest.raises(FeatureFileError, match="cut short"):
        survey_features(path)
