"""The loop on pixels: what the network is shown is what lies there, and only mined patches are read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.errors import CohortError
from wsigraph.io.tensor_file import read_tensors
from wsigraph.pipelines.mine_sources import SlidePixels, pixels_of


def test_patches_are_read_where_the_features_say_in_their_order(made, images, colour):
    slide, source = made.cohort.slides[3], pixels_of(made.cohort, images)
    rows = np.array([2, 7, 19])
    (some,) = source.read(slide, rows)
    assert some.shape == (3, 50, 50, 3)
    assert some.dtype == np.uint8
    for pixels, row in zip(some, rows, strict=True):
        assert (pixels == colour(slide.slide_id, row)).all()
    whole = np.concatenate(list(source.read(slide)))
    assert (whole[:, 25, 25] == [colour(slide.slide_id, row) for row in range(20)]).all()


def test_only_mined_patches_of_training_slides_are_read_to_learn_from(made, on_pixels):
    run, spy = on_pixels
    fold = run / "fold_0"
    log = json.loads((fold / "round_1" / "mining.json").read_text())
    most = [row["positives"] + row["negatives"] for row in log["epochs"]]
    read = [(name, row) for name, rows in spy.some for row in rows]
    assert len(read) == len(set(read))  # each once, although two epochs are contrasted
    assert max(most) <= len(read) <= sum(most) < 12 * 20
    sides = {s.slide_id: s.split for s in made.cohort.slides}
    assert {sides[name] for name, _ in spy.some} == {"train"}
    assert sorted(spy.whole) == sorted(sides)  # encoded anew: each slide once, test slides when all is chosen
    assert [sides[name] for name in spy.whole[-4:]] == ["test"] * 4


def test_each_slide_is_encoded_by_the_fine_tuned_network_from_its_pixels(
    made, on_pixels, images, pixel_settings
):
    run, _ = on_pixels
    fold = run / "fold_0" / "round_1"
    tensors, about = read_tensors(fold / "network.safetensors")
    network = pixel_settings.make_network(about["in_channels"])
    first = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(tensors)
    assert any(not torch.equal(first[name], tensors[name]) for name in tensors)
    slide = made.cohort.slides[0]
    (pixels,) = pixels_of(made.cohort, images).read(slide)
    wanted = network.eval().encode(torch.from_numpy(pixels)).numpy()
    found = wg.read_features(fold / "features" / f"{slide.slide_id}.h5")
    assert found.x.shape == (20, 8)
    assert np.ptp(found.x, axis=0).max() > 0
    np.testing.assert_allclose(found.x, wanted, rtol=2e-3, atol=2e-3)  # stored in half precision
    assert found.encoder.startswith("resnet18@")
    record = json.loads((run / "run.json").read_text())
    assert record["plan"]["reads"] == "pixels"


def test_a_slide_without_an_image_is_named(made, images):
    with pytest.raises(CohortError, match=r"an image of every slide, got none for 19 of 20, such as 's01'"):
        pixels_of(made.cohort, images / "s00.png")
    found = pixels_of(made.cohort, [images])
    assert isinstance(found, SlidePixels)
    assert found.images == {s.slide_id: images / f"{s.slide_id}.png" for s in made.cohort.slides}
