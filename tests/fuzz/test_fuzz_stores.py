"""Zarr stores and tables of text from strangers: lies about sizes, links round in circles, endless lines."""

from __future__ import annotations

import gzip
import json
import struct

import numpy as np
import pytest

from wsigraph.errors import FeatureFileError
from wsigraph.io.features import read_features

X = np.random.default_rng(0).normal(size=(8, 4)).astype("<f4")
COORDS = np.stack([np.arange(8) % 4, np.arange(8) // 4], axis=1).astype("<i8") * 512


def store(folder, *, compressor=None, chunk=None, **changes):
    """A store of format 2, with metadata or the only chunk of X replaced."""
    root = folder / "s.zarr"
    for name, values in (("X", X), ("obsm/spatial", COORDS)):
        (root / name).mkdir(parents=True)
        about = {"shape": list(values.shape), "chunks": list(values.shape), "dtype": values.dtype.str}
        about |= {"compressor": None}
        if name == "X":
            about |= {"compressor": compressor and {"id": compressor}} | changes
        (root / name / ".zarray").write_text(json.dumps(about), encoding="utf-8")
        content = chunk if name == "X" and chunk is not None else values.tobytes()
        (root / name / "0.0").write_bytes(content)
    (root / ".zgroup").write_text("{}", encoding="utf-8")
    return root


def test_the_sound_store_is_read(tmp_path):
    features = read_features(store(tmp_path, compressor="gzip", chunk=gzip.compress(X.tobytes())))
    assert np.array_equal(features.x, X)
    assert np.array_equal(features.coords, COORDS)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [10**9, 1024]},
        {"chunks": [10**9, 1024]},
        {"shape": [10**9, 4], "chunks": [1, 4]},
        {"shape": [-8, 4]},
        {"shape": [8, 4, 1]},
        {"shape": 8},
        {"shape": [8.5, 4]},
        {"chunks": [0, 4]},
        {"chunks": [4, 4]},
        {"dtype": "|O"},
        {"dtype": "<M8[ns]"},
        {"dtype": [["a", "<f4"]]},
        {"dtype": "<f16"},
        {"order": "F"},
        {"filters": [{"id": "vlen-utf8"}]},
        {"compressor": {"id": "pickle"}},
        {"compressor": "zlib"},
        {"dimension_separator": "/../"},
    ],
)
def test_metadata_that_lie(tmp_path, changes, bounded):
    with pytest.raises(FeatureFileError, match=r"s\.zarr'"):
        read_features(store(tmp_path, **changes))


BLOSC = bytes([2, 1, 1, 4])
DEEP = b'{"a":' * 50_000


@pytest.mark.parametrize(
    ("compressor", "chunk"),
    [
        ("blosc", b""),
        ("blosc", BLOSC + struct.pack("<III", 2**31 - 1, 2**20, 16)),
        ("blosc", BLOSC + struct.pack("<III", 128, 128, 2**31 - 1) + bytes(64)),
        ("blosc", BLOSC + struct.pack("<III", 128, 0, 32) + bytes(16)),
        ("blosc", BLOSC + struct.pack("<III", 128, 128, 80) + b"\xff" * 64),
        ("zstd", b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + bytes(16)),
        ("zstd", b"\x28\xb5\x2f\xfd\x60\x80\xff" + b"\xff" * 40),
        ("zstd", b"\x28\xb5\x2f\xfd\x20\x80"),
        ("gzip", gzip.compress(bytes(2**26))),
        ("gzip", gzip.compress(X.tobytes())[:-6]),
        ("zlib", b"\x78\x9c"),
        (None, bytes(127)),
        (None, bytes(129)),
    ],
)
def test_chunks_that_lie(tmp_path, compressor, chunk, bounded):
    with pytest.raises(FeatureFileError, match=r"s\.zarr'"):
        read_features(store(tmp_path, compressor=compressor, chunk=chunk))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", DEEP, b"\xff\xfe", b" " * (2**20 + 1)])
@pytest.mark.parametrize("name", ["X/.zarray", "X/zarr.json", ".zattrs"])
def test_metadata_that_are_none(tmp_path, name, content):
    root = store(tmp_path)
    (root / name).write_bytes(content)
    with pytest.raises(FeatureFileError, match=r"s\.zarr'"):
        read_features(root)


@pytest.mark.skipif("sys.platform == 'win32'", reason="links are a POSIX matter")
def test_links_are_not_followed_out_of_a_store_or_round(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(X.tobytes())
    root = store(tmp_path)
    (root / "X" / "0.0").unlink()
    (root / "X" / "0.0").symlink_to(secret)
    with pytest.raises(FeatureFileError, match="none, or a link"):
        read_features(root)
    (root / "tables").mkdir()
    for name, goal in (("loop_tiles", root), ("self_tiles", root / "tables"), ("up_tiles", tmp_path)):
        (root / "tables" / name).symlink_to(goal, target_is_directory=True)
    (root / "X" / "0.0").unlink()
    (root / "X").rename(tmp_path / "elsewhere")
    with pytest.raises(FeatureFileError, match=r"s\.zarr'"):
        read_features(root)
    (root / "X").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(FeatureFileError, match="'X', a link"):
        read_features(root)


@pytest.mark.parametrize(
    "text",
    [
        b"x,y,f0\n1,2," + b"9" * (2**20 + 5) + b"\n",
        b"x,y,f0\n1,2," + b"9" * 500_000 + b"\n",
        b"x,y," + b",".join(b"f%d" % i for i in range(70_000)) + b"\n",
        b"x,y,f0\n" + b'"' * 100_000 + b"\n",
        b"x,y,f0\n1,2\n",
        b"x,y,f0\n1,2,3\n1,2,3,4\n",
        b"x,y,f0\n1,2,cat\n",
        b"x,y,f0\n1,2,\n",
        b"x,y,f0\n1,2,\x00\n",
        b"x,y,f0\n1,2,\xff\n",
        b"x,y,f0\n0.5,2,3\n",
        b"x,y,f0\nnan,2,3\n",
        b"x,y,f0\n1e300,2,3\n",
        b"x,y,f0\n1,2,1e300\n",
        b"x,y,f0\n",
        b"x,y\n1,2\n",
        b"x,x,f0\n1,2,3\n",
        b"x,y",
        b"\n\n\n",
        b"," * 1000,
        b"a" * 3_000_000,
    ],
    ids=range(21),
)
def test_tables_of_giants_and_gaps(tmp_path, text, bounded):
    from wsigraph.errors import FeatureError

    (tmp_path / "s.csv").write_bytes(text)
    with pytest.raises((FeatureFileError, FeatureError), match=r"s\.csv'"):
        read_features(tmp_path / "s.csv")


def test_a_list_of_places_of_another_kind_or_size(tmp_path):
    import torch

    folder = tmp_path / "s"
    folder.mkdir()
    torch.save(torch.from_numpy(X), folder / "features.pt")
    for text in (
        b"1_2.jpeg\n" * 7,
        b"-1_2.jpeg\n" * 8,
        b"1_2.jpeg" * 100_000,
        b"\xff" * 50,
        b"9" * 30 + b"_1\n",
    ):
        (folder / "c_idx.txt").write_bytes(text)
        with pytest.raises(FeatureFileError, match=r"c_idx\.txt"):
            read_features(folder)
