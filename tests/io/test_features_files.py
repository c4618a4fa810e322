"""Feature files of our own: written whole, read back equal, refused where they are not sound."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError
from wsigraph.io.features import features_hash, read_features, verify_features, write_features
from wsigraph.io.features.format import FeatureFormat


def make(num=40, channels=6, **facts):
    rng = np.random.default_rng(0)
    coords = np.stack([np.arange(num) % 8, np.arange(num) // 8], axis=1) * 512
    facts = {
        "patch_size_level0": 512.0,
        "patch_px": 256,
        "step_level0": 512.0,
        "mpp": 0.25,
        "target_mpp": 0.5,
        "encoder": "stain_texture",
        "notes": ("one", "two"),
    } | facts
    x = rng.normal(size=(num, channels)).astype(np.float32)
    return PatchFeatures("slide-1", x, coords.astype(np.int64), **facts)


def test_what_is_written_is_read_back(tmp_path):
    features = make()
    write_features(tmp_path / "anything.h5", features)
    back = read_features(tmp_path / "anything.h5")
    assert back.x.dtype == np.float16
    assert np.array_equal(back.x, features.x.astype(np.float16))
    assert np.array_equal(back.coords, features.coords)
    for name in ("slide_id", "patch_size_level0", "patch_px", "step_level0", "mpp", "target_mpp", "encoder"):
        assert getattr(back, name) == getattr(features, name), name
    assert back.notes == features.notes
    assert back.source == "wsigraph"
    assert read_features(tmp_path / "anything.h5", slide_id="other").slide_id == "other"


def test_unknown_facts_stay_unknown(tmp_path):
    bare = PatchFeatures("s", np.zeros((3, 2), np.float32), np.zeros((3, 2), np.int64))
    write_features(tmp_path / "s.h5", bare)
    back = read_features(tmp_path / "s.h5")
    assert all(math.isnan(v) for v in (back.mpp, back.target_mpp, back.step_level0, back.patch_size_level0))
    assert (back.patch_px, back.encoder, back.notes) == (0, "", ())


def test_given_points_keep_their_step_of_zero(tmp_path):
    write_features(tmp_path / "s.h5", make(step_level0=0.0))
    assert read_features(tmp_path / "s.h5").step_level0 == 0.0


def test_names_and_layout_are_tridents(tmp_path):
    write_features(tmp_path / "s.h5", make(3000, 512, step_level0=448.0))
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["features"].chunks == (1024, 512)  # 1 MiB of float16
        assert file["features"].fletcher32
        assert file["coords"].fletcher32
        facts = dict(file["coords"].attrs)
        assert (facts["patch_size"], facts["patch_size_level0"], facts["overlap"]) == (256, 512, 32)
        assert file.attrs["complete"]


def test_values_beyond_float16_are_kept_as_float32(tmp_path):
    features = make()
    big = replace(features, x=features.x * 1e6)
    write_features(tmp_path / "s.h5", big)
    assert np.array_equal(read_features(tmp_path / "s.h5").x, big.x)


def test_the_hash_tells_data_apart(tmp_path):
    features = make()
    write_features(tmp_path / "a.h5", features)
    write_features(tmp_path / "b.h5", replace(features, slide_id="another name"))
    write_features(tmp_path / "c.h5", replace(features, x=features.x + 1))
    hashes = [features_hash(tmp_path / f"{name}.h5") for name in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]
    assert verify_features(tmp_path / "a.h5") == hashes[0]


def test_verify_finds_data_that_were_changed_with_care(tmp_path):
    path = tmp_path / "s.h5"
    write_features(path, make())
    with h5py.File(path, "r+") as file:  # HDF5 mends the checksum, so only the hash can tell
        file["features"][3, 2] = 7
    with pytest.raises(FeatureFileError, match="expected data of sha256"):
        verify_features(path)


def test_an_unfinished_file_is_refused(tmp_path):
    path = tmp_path / "s.h5"
    write_features(path, make())
    with h5py.File(path, "r+") as file:
        file.attrs["complete"] = False
    with pytest.raises(FeatureFileError, match=r"s\.h5.*finished.*Encode the slide again"):
        read_features(path)


def test_an_empty_slide_is_refused_at_write_and_read(tmp_path):
    with pytest.raises(FeatureError, match="at least one patch"):
        write_features(tmp_path / "s.h5", make(0))
    assert list(tmp_path.iterdir()) == []
    for shape in ((0, 8), (0,)):
        with h5py.File(tmp_path / "empty.h5", "w") as file:
            file["features"] = np.zeros(shape, np.float32)
            file["coords"] = np.zeros((0, 2), np.int64)
        with pytest.raises(FeatureFileError, match="an empty slide"):
            read_features(tmp_path / "empty.h5")


def test_one_patch(tmp_path):
    write_features(tmp_path / "s.h5", make(1))
    assert len(read_features(tmp_path / "s.h5")) == 1


def test_nan_rows_are_named_or_dropped_and_counted(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        x = np.ones((10, 4), np.float32)
        x[3, 1], x[7, 0] = np.nan, np.inf
        file["features"] = x
        file["coords"] = np.stack([np.arange(10), np.zeros(10, int)], axis=1) * 256
    with pytest.raises(FeatureError, match=r"'s'.*NaN or inf in 2 of 10 rows \(first rows \[3, 7\]\).*s\.h5"):
        read_features(tmp_path / "s.h5")
    back = read_features(tmp_path / "s.h5", drop_nonfinite=True)
    assert back.coords[:, 0].tolist() == [256 * i for i in range(10) if i not in (3, 7)]
    assert "2 of 10 patches left out for NaN or inf features" in back.notes


def test_all_rows_nan_is_an_error_even_when_dropping(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"] = np.full((3, 4), np.nan, np.float32)
        file["coords"] = np.zeros((3, 2), np.int64)
    with pytest.raises(FeatureError, match="at least one patch with finite features"):
        read_features(tmp_path / "s.h5", drop_nonfinite=True)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nonfinite_values_are_found_wherever_they_stand(kind, value):
    coords = np.zeros((5000, 2), np.int64)
    for row in (0, 2499, 4999):
        x = np.full((5000, 100), np.finfo(kind).max, kind)  # the largest finite value is no alarm
        PatchFeatures("s", x, coords)
        x[row, 57] = value
        with pytest.raises(FeatureError, match=rf"first rows \[{row}\]"):
            PatchFeatures("s", x, coords)


@pytest.mark.parametrize(
    ("coords", "words"),
    [
        (np.zeros((3, 2), np.int64), r"coords of shape \[4, 2\] \(4 rows of x\), got \[3, 2\]"),
        (np.zeros((4, 3), np.int64), r"got \[4, 3\]"),
        (np.full((4, 2), 2**40), r"coords within \+-2147483648 px, got 1099511627776"),
        (np.full((4, 2), -(2**40)), "got -1099511627776"),
        (np.full((4, 2), 2**63 + 5, np.uint64), "got 9223372036854775813"),
        (np.full((4, 2), 0.5), "whole level-0 pixels"),
        (np.full((4, 2), np.nan), "whole level-0 pixels"),
    ],
)
def test_impossible_coordinates_are_refused(tmp_path, coords, words):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"] = np.ones((4, 4), np.float32)
        file["coords"] = coords
    with pytest.raises(FeatureError, match=words):
        read_features(tmp_path / "s.h5")


def test_negative_coordinates_are_fine(tmp_path):
    features = make()
    write_features(tmp_path / "s.h5", replace(features, coords=features.coords - 10_000))
    assert read_features(tmp_path / "s.h5").coords.min() == -10_000


def test_unknown_layouts_name_what_was_found(tmp_path):
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["rows"] = np.zeros((5, 3))
        file["coords"] = np.zeros((5, 2))
    with pytest.raises(FeatureFileError, match=r"'coords': \[5, 2\], 'rows': \[5, 3\].*Unknown layout"):
        read_features(tmp_path / "odd.h5")


def test_formats_are_a_family():
    assert {"wsigraph", "trident", "clam"} <= set(FeatureFormat.registry.names())


FULL_DISK = """
import resource, signal, sys
import numpy as np
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError
from wsigraph.io.features import write_features

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
x = np.random.default_rng(0).normal(size=(4000, 512)).astype(np.float32)
try:
    write_features(sys.argv[1], PatchFeatures("s", x, np.zeros((4000, 2), np.int64)))
except FeatureFileError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are a POSIX matter")
def test_a_full_disk_leaves_nothing_behind_and_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "s.h5")], capture_output=True, text=True, check=False
    )
    assert "refused: Feature file" in done.stdout, done.stderr
    assert "free space" in done.stdout
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
import numpy as np
import wsigraph.io.features.writer as writer
from wsigraph.data.patch_features import PatchFeatures

if sys.argv[2] == "die":  # at the last moment: all is written and closed, not yet renamed
    writer.verify_features = lambda path: os.kill(os.getpid(), 9)
x = np.ones((4000, 512), np.float32) * (2 if sys.argv[2] == "die" else 1)
writer.write_features(sys.argv[1], PatchFeatures("s", x, np.zeros((4000, 2), np.int64)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX matter")
def test_a_kill_leaves_the_old_file_or_none(tmp_path):
    path = tmp_path / "s.h5"
    command = [sys.executable, "-c", KILLED, str(path)]
    assert subprocess.run([*command, "die"], check=False).returncode == -9
    assert not path.exists()
    subprocess.run([*command, "live"], check=True)
    assert subprocess.run([*command, "die"], check=False).returncode == -9
    assert (read_features(path).x == 1).all()
