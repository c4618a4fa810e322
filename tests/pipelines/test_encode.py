"""Encoding a cohort: the right pixels, resumable after a kill, one bad slide ends nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wsigraph.io.features import read_features
from wsigraph.io.slides import open_slide
from wsigraph.io.tiff import write_pyramid
from wsigraph.patches.encoder import PatchEncoder
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.encode import encode_cohort
from wsigraph.pipelines.slides import find_slides
from wsigraph.synthetic.slides import Layout, render_slide

TILING = Tiling(64, 0.5, min_tissue=0.5)


class MeanColour(PatchEncoder):
    """Mean red, green and blue."""

    name = "mean_colour"
    out_channels = 3
    calls = 0

    def encode(self, images):
        self.calls += 1
        return images.mean(axis=(1, 2), dtype=np.float32)


class Broken(MeanColour):
    name = "broken"

    def encode(self, images):
        return super().encode(images) * np.float32(np.nan)


class Huge(MeanColour):
    name = "huge"

    def encode(self, images):
        return super().encode(images) * 1e6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("slides")
    layout = Layout(grid=8, cell_px=64, tissue_cells=30, dense_cells=4)
    for index in range(2):
        slide = render_slide(index, label="clustered", layout=layout)
        write_pyramid(place / f"s{index}.tif", slide.image, mpp=0.5)
    return place


def test_rows_are_the_patches_at_their_coords(folder, tmp_path):
    result = encode_cohort(find_slides([folder]), tmp_path, encoder=MeanColour(), tiling=TILING, batch_size=7)
    assert (result.done, result.failed) == (["s0", "s1"], {})
    features = read_features(tmp_path / "s0.h5")
    assert (features.patch_px, features.patch_size_level0, features.step_level0) == (64, 64, 64)
    assert features.mpp == pytest.approx(0.5, rel=1e-4)
    assert features.target_mpp == pytest.approx(0.5, rel=1e-4)
    assert (features.slide_id, features.encoder, features.x.dtype) == ("s0", "mean_colour", np.float16)
    with open_slide(folder / "s0.tif") as reader:
        for row, (x, y) in zip(features.x, features.coords.tolist(), strict=True):
            pixels = reader.read_region(x, y, level=0, width=64, height=64)
            np.testing.assert_allclose(row, pixels.mean(axis=(0, 1)), rtol=1e-3)


def test_whole_files_are_skipped_and_others_made_anew(folder, tmp_path):
    slides, encoder = find_slides([folder / "s0.tif"]), MeanColour()
    encode_cohort(slides, tmp_path, encoder=encoder, tiling=TILING)
    calls = encoder.calls
    assert encode_cohort(slides, tmp_path, encoder=encoder, tiling=TILING).skipped == ["s0"]
    assert encoder.calls == calls
    for change in ({"tiling": Tiling(64, 0.5, min_tissue=0.9)}, {"tiling": TILING, "slide_mpp": 0.49}):
        assert encode_cohort(slides, tmp_path, encoder=encoder, **change).done == ["s0"]
    assert encode_cohort(slides, tmp_path, encoder=Huge(), tiling=TILING).done == ["s0"]
    assert read_features(tmp_path / "s0.h5").encoder == "huge"
    (tmp_path / "s0.h5").write_bytes((tmp_path / "s0.h5").read_bytes()[:700])
    assert encode_cohort(slides, tmp_path, encoder=Huge(), tiling=TILING).done == ["s0"]
    (tmp_path / "s0.h5").unlink()
    assert encode_cohort(slides, tmp_path, encoder=Huge(), tiling=TILING).done == ["s0"]


def test_bad_slides_and_bad_numbers_leave_no_file(folder, tmp_path):
    (tmp_path / "bad.svs").write_bytes(b"nothing")
    slides = [tmp_path / "bad.svs", folder / "s0.tif"]
    result = encode_cohort(slides, tmp_path, encoder=Broken(), tiling=TILING)
    assert "in no format" in result.failed["bad"]
    assert "NaN or inf in" in result.failed["s0"]
    assert not list(tmp_path.glob("*.h5"))
    result = encode_cohort(slides, tmp_path, encoder=Huge(), tiling=TILING)
    assert result.done == ["s0"]
    assert read_features(tmp_path / "s0.h5").x.max() > 1e8  # beyond float16: kept, not made infinite


def test_a_full_disk_fails_the_slide_with_its_reason(folder, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wsigraph.io.atomic.os.replace", full)
    result = encode_cohort(find_slides([folder]), tmp_path, encoder=MeanColour(), tiling=TILING)
    assert "No space left on device" in result.failed["s0"]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


SLOW = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_encode import MeanColour, TILING
from wsigraph.pipelines.encode import encode_cohort
from wsigraph.pipelines.slides import find_slides

class Slow(MeanColour):
    def encode(self, images):
        Slow.calls += 1
        if Slow.calls > 4:
            print("half way", flush=True)
            time.sleep(60)
        return super().encode(images)

encode_cohort(find_slides([sys.argv[2]]), sys.argv[3], encoder=Slow(), tiling=TILING, batch_size=8)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_kill_9_midway_then_resume_equals_uninterrupted(folder, tmp_path):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", SLOW, here, str(folder), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    finished = sorted(p.name for p in (tmp_path / "killed").glob("*.h5"))
    assert finished == ["s0.h5"]  # the second slide, whose encoding was cut, has no file at its name
    stamp = (tmp_path / "killed/s0.h5").stat().st_mtime_ns
    time.sleep(0.01)
    slides = find_slides([folder])
    resumed = encode_cohort(slides, tmp_path / "killed", encoder=MeanColour(), tiling=TILING)
    assert (resumed.skipped, resumed.done) == (["s0"], ["s1"])
    assert (tmp_path / "killed/s0.h5").stat().st_mtime_ns == stamp
    encode_cohort(slides, tmp_path / "whole", encoder=MeanColour(), tiling=TILING, batch_size=8)
    for name in ("s0.h5", "s1.h5"):
        one, other = read_features(tmp_path / "killed" / name), read_features(tmp_path / "whole" / name)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.coords, other.coords)


@pytest.mark.real
def test_a_truncated_mirax_encodes_where_it_can_and_names_its_level_where_not(real_data, tmp_path):
    path = real_data / "slides/mirax_truncated/Mirax2-Fluorescence-2.mrxs"
    coarse = Tiling(256, 1.29)
    assert encode_cohort([path], tmp_path, encoder=MeanColour(), tiling=coarse).done == [path.stem]
    assert len(read_features(tmp_path / f"{path.stem}.h5")) > 10
    result = encode_cohort([path], tmp_path / "fine", encoder=MeanColour(), tiling=Tiling(256, 0.5))
    assert "pixels of level 0 at" in result.failed[path.stem]
