"""The pixels that the mining benchmark reads are those around the nuclei, in order, and labels are bags'."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.hnm.pixels import gather, load, truth
from wsigraph.errors import CohortError
from wsigraph.io.atomic import write_text
from wsigraph.training.mining.scored import Chosen


@pytest.fixture
def folder(tmp_path):
    """Two made-up images in crchisto's layout; nuclei on odd places, one in a corner, rows mixed up."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in ("img1", "img2"):
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(
            tmp_path / f"images/{name}.png"
        )
    write_text(tmp_path / "bags.csv", "image,label_any_epithelial,n_epithelial\nimg2,1,1\nimg1,0,0\n")
    rows = [
        "img1,30.2,20.9,fibroblast",
        "img2,50.5,40.0,epithelial",
        "img2,0.3,59.9,others",
        "img1,79.99,5,others",
    ]
    write_text(tmp_path / "nuclei_by_class.csv", "\n".join(["image,x,y,class", *rows]) + "\n")
    return tmp_path


def test_patches_lie_around_their_nuclei(folder):
    second, first = load(folder)
    assert [(one.name, one.label, len(one)) for one in (first, second)] == [("img1", 0, 2), ("img2", 1, 2)]
    picture = np.asarray(Image.open(folder / "images" / "img1.png"))
    assert (first.pixels[0] == picture[20 - 13 : 20 + 14, 30 - 13 : 30 + 14]).all()
    assert (first.pixels[1][13, 13] == picture[5, 79]).all()
    assert (first.pixels[1][13, 14] == picture[5, 78]).all()  # mirrored beyond the border
    assert first.centres.tolist() == [[30.2, 20.9], [79.99, 5.0]]
    other = np.asarray(Image.open(folder / "images" / "img2.png"))
    assert (second.pixels[1][13, 13] == other[59, 0]).all()


def test_truth_has_the_order_of_the_patches_and_is_not_in_them(folder):
    assert {name: rows.tolist() for name, rows in truth(folder).items()} == {"img2": [1, 0], "img1": [0, 0]}
    assert not any("epithelial" in field for field in vars(load(folder)[0]))


def test_mined_patches_are_gathered_in_their_order(folder):
    images = load(folder)
    chosen = Chosen(np.array([1, 0, 1]), np.array([1, 0, 0]))
    got = gather(images, chosen.slide, chosen.patch)
    for pixels, (image, patch) in zip(got, [(1, 1), (0, 0), (1, 0)], strict=True):
        assert (pixels == images[image].pixels[patch]).all()
    assert gather(images, np.zeros(0, int), np.zeros(0, int)).shape == (0, 27, 27, 3)


def test_an_image_without_nuclei_is_refused(folder):
    write_text(folder / "nuclei_by_class.csv", "image,x,y,class\nimg2,1,1,epithelial\n")
    with pytest.raises(CohortError, match="Image 'img1': expected at least one labelled nucleus, got none"):
        load(folder)


@pytest.mark.real
def test_the_real_set_has_its_known_numbers(real_data):
    images, known = load(real_data / "crchisto"), truth(real_data / "crchisto")
    assert len(images) == 100
    assert sum(map(len, images)) == 22_444
    assert sum(int(rows.sum()) for rows in known.values()) == 7_722
    assert sum(one.label for one in images) == 51
    for one in images:
        rows = known[one.name]
        assert one.pixels.shape == (len(rows), 27, 27, 3)
        assert one.label == int(rows.any())
    nuclei = np.concatenate([one.pixels[:, 9:18, 9:18].mean((1, 2, 3)) for one in images])
    around = np.concatenate([one.pixels.mean((1, 2, 3)) for one in images])
    assert (
        nuclei < around
    ).mean() > 0.8  # nuclei are darker than what lies around them: x and y are not swapped
