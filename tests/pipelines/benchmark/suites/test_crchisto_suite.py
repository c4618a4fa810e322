"""The colon images: counts as published, nodes where the nuclei were marked, windows of the picture."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from wsigraph.errors import CohortError, RunError
from wsigraph.io.atomic import write_text
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites.crchisto import cut, nuclei_of, read_marks


@pytest.fixture
def folder(tmp_path):
    """Ten made-up images in the layout of the real ones, four nuclei each."""
    source = tmp_path / "crchisto"
    (source / "images").mkdir(parents=True)
    rng, bags, nuclei = np.random.default_rng(0), ["image,label_any_epithelial"], ["image,x,y,class"]
    for i in range(10):
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(
            source / "images" / f"img{i}.png"
        )
        kind = "epithelial" if i % 2 else "others"
        nuclei += [f"img{i},{x},{y},{kind}" for x, y in ((40.5, 30.0), (0, 0), (79.9, 59.9), (20, 40))]
        bags.append(f"img{i},{i % 2}")
    write_text(source / "bags.csv", "\n".join(bags) + "\n")
    write_text(source / "nuclei_by_class.csv", "\n".join(nuclei) + "\n")
    return tmp_path


def test_a_bag_is_an_image_and_a_node_a_nucleus(folder, tmp_path):
    (contest,) = suite("crchisto").contests(Wish(tmp_path / "work", folder, recipes=("abmil", "gat")))
    assert (contest.name, contest.folds, contest.synthetic) == ("crchisto", 5, False)
    assert [slide.label for slide in contest.cohort.slides] == ["none", "epithelial"] * 5
    assert contest.cohort.patients == [f"img{i}" for i in range(10)]
    assert contest.recipes["gat"].graph.name == "knn"
    features = read_features(contest.cohort.slides[4].path)
    assert features.coords.tolist() == [[27, 17], [-13, -13], [66, 46], [7, 27]]
    assert (features.x.shape, features.mpp, features.patch_px) == ((4, 48), 0.55, 27)


def test_windows_are_cut_around_the_marks(folder):
    one = read_marks(folder / "crchisto")[3]
    corners, pixels = cut(folder / "crchisto", one)
    image = np.asarray(Image.open(folder / "crchisto" / "images" / "img3.png"))
    assert (pixels[0] == image[17:44, 27:54]).all()
    assert (pixels[:, 13, 13] == image[[30, 0, 59, 40], [40, 0, 79, 20]]).all()
    assert corners.dtype == np.int64
    assert one.classes.tolist() == ["epithelial"] * 4


def test_an_image_without_nuclei_or_a_folder_without_data_is_refused(folder, tmp_path):
    bags = folder / "crchisto" / "bags.csv"
    write_text(bags, bags.read_text(encoding="utf-8") + "img99,0\n")
    with pytest.raises(CohortError, match="Image 'img99': expected at least one labelled nucleus"):
        suite("crchisto").contests(Wish(tmp_path / "work", folder))
    with pytest.raises(RunError, match="set WSIGRAPH_DATA"):
        suite("crchisto").contests(Wish(tmp_path / "work"))


@pytest.mark.real
def test_images_and_nuclei_are_counted_as_published(real_data):
    marks = read_marks(real_data / "crchisto")
    counted = Counter(kind for one in marks for kind in one.classes.tolist())
    assert len(marks) == 100
    assert sum(counted.values()) == 22_444
    expected = {"epithelial": 7_722, "inflammatory": 6_971, "fibroblast": 5_712, "others": 2_039}
    assert counted == expected
    assert sum(one.label for one in marks) == 51
    assert all(one.label == ("epithelial" in one.classes.tolist()) for one in marks)


@pytest.mark.real
def test_a_node_lies_where_its_nucleus_was_marked(real_data):
    source = real_data / "crchisto"
    one = read_marks(source)[17]
    features = nuclei_of(source, one)
    with open(source / "nuclei_by_class.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == one.name]
    centre = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    assert np.abs(features.coords + 13.5 - centre).max() <= 1.5
    image = np.asarray(Image.open(source / "images" / f"{one.name}.png").convert("RGB"))
    x, y = features.coords[5]
    assert features.x[5, 0] == pytest.approx(image[y : y + 27, x : x + 27, 0].mean() / 255, abs=1e-4)
