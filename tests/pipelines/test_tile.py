"""Tiling a cohort: files appear, whole slides are skipped, bad ones are named and end nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from wsigraph.errors import CohortError, SlideError
from wsigraph.io.patch_files import read_patch_file
from wsigraph.io.tiff import write_pyramid
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.slides import find_slides
from wsigraph.pipelines.tile import tile_cohort
from wsigraph.synthetic.slides import Layout, render_slide

LAYOUT = Layout(grid=8, cell_px=64, tissue_cells=30, dense_cells=4)
TILING = Tiling(64, 0.5, min_tissue=0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("slides")
    for index in range(2):
        slide = render_slide(index, label="clustered", layout=LAYOUT)
        write_pyramid(place / f"s{index}.tif", slide.image, mpp=0.5)
    return place


def test_synthetic_slides_give_exactly_their_tissue_cells(folder, tmp_path):
    result = tile_cohort(find_slides([folder]), tmp_path, tiling=TILING)
    assert (result.done, result.skipped, result.failed) == (["s0", "s1"], [], {})
    for index in range(2):
        patches = read_patch_file(tmp_path / f"patches/s{index}.h5")
        truth = render_slide(index, label="clustered", layout=LAYOUT).tissue
        found = np.zeros_like(truth)
        found[patches.coords[:, 1] // 64, patches.coords[:, 0] // 64] = True
        assert found[truth].mean() > 0.95
        assert found[~truth].mean() < 0.1
        assert result.num_patches[f"s{index}"] == len(patches)
        assert result.flagged[f"s{index}"] == {"pen": 0, "blur": 0}
        assert (tmp_path / f"overlays/s{index}.png").stat().st_size > 1000


def test_the_same_tiling_is_skipped_and_another_is_made(folder, tmp_path):
    slides = find_slides([folder / "s0.tif"])
    assert tile_cohort(slides, tmp_path, tiling=TILING).done == ["s0"]
    assert tile_cohort(slides, tmp_path, tiling=TILING).skipped == ["s0"]
    assert tile_cohort(slides, tmp_path, tiling=Tiling(64, 0.5, min_tissue=0.9)).done == ["s0"]
    assert tile_cohort(slides, tmp_path, tiling=TILING, slide_mpp=0.25).done == ["s0"]
    (tmp_path / "patches/s0.h5").write_bytes(b"")
    assert tile_cohort(slides, tmp_path, tiling=TILING, slide_mpp=0.25).done == ["s0"]


def test_one_bad_slide_ends_nothing(folder, tmp_path):
    (tmp_path / "bad.svs").write_bytes(b"nothing")
    Image.new("RGB", (400, 400), "white").save(tmp_path / "glass.png")
    Image.new("RGB", (400, 400), "white").save(tmp_path / "nompp.png")
    slides = [tmp_path / "bad.svs", tmp_path / "glass.png", tmp_path / "nompp.png", folder / "s1.tif"]
    said = Hearing()
    result = tile_cohort(slides, tmp_path / "out", tiling=TILING, slide_mpp={"glass": 0.5}, reporter=said)
    assert result.done == ["s1"]
    assert "in no format that OpenSlide or Pillow knows" in result.failed["bad"]
    assert "no tissue found" in result.failed["glass"]
    assert "--slide-mpp" in result.failed["nompp"]
    assert [line.split(" failed")[0] for line in said.lines] == ["bad", "glass", "nompp"]
    assert said.steps == 4


class Hearing:
    def __init__(self):
        self.lines, self.steps = [], 0

    def start(self, task, total):
        pass

    def advance(self, task, steps=1):
        self.steps += steps

    def finish(self, task):
        pass

    def say(self, text):
        self.lines.append(text)


def test_slides_are_found_and_duplicates_named(tmp_path):
    for name in ("b.svs", "a.PNG", "note.txt", ".hidden.svs", "sub/c.ndpi", "m.mrxs", "m/Data0.dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_slides([tmp_path, tmp_path / "b.svs"])
    assert [str(p.relative_to(tmp_path)) for p in found] == ["a.PNG", "b.svs", "m.mrxs", "sub/c.ndpi"]
    (tmp_path / "sub/b.tif").touch()
    with pytest.raises(
        CohortError, match=r"Slide id 'b': expected one file, got two: .*b\.svs and .*sub/b\.tif"
    ):
        find_slides([tmp_path])
    with pytest.raises(CohortError, match="expected one file, got two"):
        tile_cohort([tmp_path / "b.svs", tmp_path / "sub/b.tif"], tmp_path / "out")
    with pytest.raises(SlideError, match="expected a file or folder, got nothing"):
        find_slides([tmp_path / "gone"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SlideError, match="expected slides in it"):
        find_slides([tmp_path / "empty"])


@pytest.mark.real
def test_real_slides_whole_and_broken_in_one_cohort(real_data, tmp_path):
    names = ("CMU-1-Small-Region.svs", "tcga-cr-7395-01a-01-ts1.svs", "openslide-python_unreadable.svs")
    result = tile_cohort(
        [real_data / "slides" / name for name in names],
        tmp_path,
        tiling=Tiling(256, 0.5),
        slide_mpp={"tcga-cr-7395-01a-01-ts1": 0.5},
    )
    assert 30 <= result.num_patches["CMU-1-Small-Region"] <= 60
    assert 140 <= result.num_patches["tcga-cr-7395-01a-01-ts1"] <= 190
    assert "Bogus marker length" in result.failed["openslide-python_unreadable"]
