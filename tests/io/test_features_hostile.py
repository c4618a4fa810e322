"""A feature file may come from a stranger: nothing in it is believed, nothing outside it is read."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError
from wsigraph.io.features import read_features, write_features


def sound(path, num=30):
    x = np.random.default_rng(0).normal(size=(num, 8)).astype(np.float32)
    coords = np.stack([np.arange(num) % 6, np.arange(num) // 6], axis=1).astype(np.int64) * 512
    write_features(path, PatchFeatures("s", x, coords, patch_size_level0=512, step_level0=512, mpp=0.25))
    return read_features(path)


def hostile(path, features=None, coords=None):
    """A file in CLAM's layout with one entry replaced."""
    file = h5py.File(path, "w")
    if features is None:
        file["features"] = np.ones((4, 3), np.float32)
    if coords is None:
        file["coords"] = np.arange(8).reshape(4, 2)
    return file


def test_an_external_link_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["features"] = np.full((4, 3), 42, np.float32)
    with hostile(tmp_path / "s.h5", features="none") as file:
        file["features"] = h5py.ExternalLink("secret.h5", "/features")
    with pytest.raises(FeatureFileError, match=r"s\.h5.*external link to 'secret\.h5'"):
        read_features(tmp_path / "s.h5")


def test_an_external_link_to_a_missing_file_is_not_followed_either(tmp_path):
    with hostile(tmp_path / "s.h5", features="none") as file:
        file["features"] = h5py.ExternalLink("/etc/nothing.h5", "/features")
    with pytest.raises(FeatureFileError, match="external link"):
        read_features(tmp_path / "s.h5")


def test_a_soft_link_is_not_followed(tmp_path):
    with hostile(tmp_path / "s.h5", features="none") as file:
        file["hidden"] = np.ones((4, 3))
        file["features"] = h5py.SoftLink("/hidden")
    with pytest.raises(FeatureFileError, match="soft link"):
        read_features(tmp_path / "s.h5")


def test_external_storage_is_not_read(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"x" * 48)
    with hostile(tmp_path / "s.h5", features="none") as file:
        file.create_dataset("features", (4, 3), "f4", external=[(str(secret), 0, 48)])
    with pytest.raises(FeatureFileError, match="external storage of 'features'"):
        read_features(tmp_path / "s.h5")


def test_a_virtual_dataset_is_not_assembled(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["data"] = np.ones((4, 3), np.float32)
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "data", shape=(4, 3))
    with hostile(tmp_path / "s.h5", features="none") as file:
        file.create_virtual_dataset("features", layout)
    with pytest.raises(FeatureFileError, match="virtual dataset"):
        read_features(tmp_path / "s.h5")


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_sixteen_terabytes_in_a_small_file_are_not_allocated(tmp_path, compression):
    with hostile(tmp_path / "s.h5", features="none") as file:
        shape = (4_000_000_000, 1024)
        file.create_dataset("features", shape, "f4", chunks=(1, 1024), compression=compression)
    assert (tmp_path / "s.h5").stat().st_size < 20_000
    with pytest.raises(FeatureFileError, match=r"16,384,000,000,000 bytes it declares"):
        read_features(tmp_path / "s.h5")


def test_a_contiguous_dataset_that_was_never_written_is_refused(tmp_path):
    with hostile(tmp_path / "s.h5", features="none") as file:
        file.create_dataset("features", (4_000_000_000, 1024), "f4")
    with pytest.raises(FeatureFileError, match="bytes it declares"):
        read_features(tmp_path / "s.h5")


def test_missing_chunks_are_not_filled_with_zeros(tmp_path):
    with hostile(tmp_path / "s.h5", features="none", coords="none") as file:
        file["coords"] = np.zeros((64, 2), np.int64)
        data = file.create_dataset("features", (64, 32), "f4", chunks=(16, 32), compression="gzip")
        data[:40] = np.random.default_rng(0).normal(size=(40, 32))
    with pytest.raises(FeatureFileError, match="expected 4 chunks of 'features', got 3"):
        read_features(tmp_path / "s.h5")


def test_compressed_files_of_others_are_read(tmp_path):
    x = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    with hostile(tmp_path / "s.h5", features="none", coords="none") as file:
        file["coords"] = np.stack([np.arange(64) % 8, np.arange(64) // 8], axis=1) * 256
        file.create_dataset("features", data=x, chunks=(16, 32), compression="gzip", shuffle=True)
    assert np.array_equal(read_features(tmp_path / "s.h5").x, x)


@pytest.mark.parametrize(
    "dtype", [h5py.string_dtype(), h5py.vlen_dtype(np.float32), np.dtype("S8"), np.dtype([("a", "f4")])]
)
def test_objects_and_text_are_not_features(tmp_path, dtype):
    with hostile(tmp_path / "s.h5", features="none") as file:
        file.create_dataset("features", (4, 3), dtype)
    with pytest.raises(FeatureFileError, match="numbers in 'features'"):
        read_features(tmp_path / "s.h5")


def test_a_group_in_place_of_features(tmp_path):
    with hostile(tmp_path / "s.h5", features="none") as file:
        file.create_group("features")
    with pytest.raises(FeatureFileError, match=r"such as 'features' and 'coords', got datasets"):
        read_features(tmp_path / "s.h5")


def test_not_hdf5_at_all(tmp_path):
    kinds = {
        "a.h5": (b"", "do not start as HDF5"),
        "b.h5": (b"PK\x03\x04 a zip, cut short", "expected a whole zip archive"),
        "c.h5": (b"\x80\x04pickle", "got a pickle. Pickled objects are never loaded"),
        "d.h5": (b"\x00\x01\x02\x03", "do not start as HDF5"),
        "e.h5": (b"version https://git-lfs.github.com/spec/v1\noid 0\n", "Unknown layout"),
    }
    for name, (content, words) in kinds.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FeatureFileError, match=rf"{name}.*{words}"):
            read_features(tmp_path / name)
    with pytest.raises(FeatureFileError, match="expected a file, got none"):
        read_features(tmp_path / "missing.h5")
    with pytest.raises(FeatureFileError, match=r"got entries \['a\.h5'"):
        read_features(tmp_path)


def test_truncation_at_any_offset_is_an_error(tmp_path):
    whole = tmp_path / "whole.h5"
    sound(whole, num=3000)
    content = whole.read_bytes()
    cut = tmp_path / "cut.h5"
    for length in [*range(1, 400, 13), *np.linspace(400, len(content) - 1, 60).astype(int)]:
        cut.write_bytes(content[:length])
        with pytest.raises(FeatureFileError, match=r"cut\.h5"):
            read_features(cut)


def test_a_flipped_bit_is_an_error_or_harmless(tmp_path):
    """FIELD.md 2.10: without checksums most flips give wrong data in silence."""
    path, flipped = tmp_path / "s.h5", tmp_path / "flipped.h5"
    before = sound(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    caught = 0
    for place in rng.integers(0, len(content), 400).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        flipped.write_bytes(damaged)
        try:
            after = read_features(flipped)
        except (FeatureFileError, FeatureError):
            caught += 1
            continue
        assert np.array_equal(after.x, before.x)
        assert np.array_equal(after.coords, before.coords)
        assert (after.step_level0, after.mpp) == (before.step_level0, before.mpp)
    assert caught > 50


def test_a_flipped_bit_in_the_data_says_checksum(tmp_path):
    path = tmp_path / "s.h5"
    before = sound(path)
    content = bytearray(path.read_bytes())
    place = content.find(before.x.tobytes()[:64])
    assert place > 0
    content[place + 5] ^= 4
    path.write_bytes(content)
    with pytest.raises(FeatureFileError, match=r"s\.h5.*fail their checksum"):
        read_features(path)


def test_text_of_variable_length_is_never_read(tmp_path):
    """One flipped bit in its heap makes HDF5 hang or crash; our own text has a fixed length."""
    sound(tmp_path / "s.h5")
    with h5py.File(tmp_path / "s.h5") as file:
        owners = (file, file["coords"], file["features"])
        texts = [o.attrs.get_id(n).get_type() for o in owners for n in o.attrs]
        assert not any(isinstance(t, h5py.h5t.TypeStringID) and t.is_variable_str() for t in texts)
    with hostile(tmp_path / "t.h5") as file:
        file["coords"].attrs["patch_size_level0"] = "512"
    assert read_features(tmp_path / "t.h5").source == "clam"


def test_thousands_of_entries_or_attributes_are_no_slide(tmp_path):
    with hostile(tmp_path / "s.h5") as file:
        for number in range(1001):
            file.create_group(f"g{number}")
    with pytest.raises(FeatureFileError, match="at most 1000 entries, got 1,003"):
        read_features(tmp_path / "s.h5")
    with hostile(tmp_path / "t.h5") as file:
        for number in range(1001):
            file["coords"].attrs[f"a{number}"] = number
    with pytest.raises(FeatureFileError, match="at most 1000 attributes, got 1,001"):
        read_features(tmp_path / "t.h5")


def test_a_group_that_holds_itself(tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    with hostile(tmp_path / "s.h5", features=x) as file:
        file["features"] = x
        file["loop"] = file["/"]
        file.create_group("inner")["up"] = file["/"]
    assert np.array_equal(read_features(tmp_path / "s.h5").x, x)
