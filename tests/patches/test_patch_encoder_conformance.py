"""Every registered patch encoder meets the shipped kit, and the kit finds what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import FeatureError, RecipeError, UnknownPartError
from wsigraph.patches.encoder import PatchEncoder, patch_encoder
from wsigraph.testing.patch_encoders import check_patch_encoder

READY = {"stain_texture": {}, "timm:resnet10t": {"pretrained": False, "device": "cpu"}}


@pytest.mark.parametrize("spec", READY)
def test_encoder_meets_the_kit(spec, timm):
    check_patch_encoder(patch_encoder(spec, **READY[spec]))


def test_every_builtin_encoder_is_tried():
    # Parts that other tests define while running do not count.
    built_in = {
        name
        for name in PatchEncoder.registry.names()
        if PatchEncoder.registry.get(name).__module__.startswith("wsigraph.")
    }
    assert built_in == {spec.partition(":")[0] for spec in READY}


@pytest.mark.parametrize("patch_px", [16, 17, 33, 250])
def test_stain_texture_takes_any_size(patch_px):
    check_patch_encoder(patch_encoder("stain_texture"), patch_px=patch_px)


class _Broken(PatchEncoder):
    """Means of the channels, spoilt in one way."""

    name = "broken"
    out_channels = 3

    def __init__(self, flaw: str) -> None:
        self.flaw = flaw

    def encode(self, images: np.ndarray) -> np.ndarray:
        rows = images.mean(axis=(1, 2)).astype(np.float32)
        if self.flaw == "batch" and len(images):
            rows = rows - rows.mean(axis=0)
        if self.flaw == "nan":
            rows = rows / rows
        if self.flaw == "large":
            rows = rows * 1000
        if self.flaw == "double":
            rows = rows.astype(np.float64)
        if self.flaw == "width":
            rows = rows[:, :2]
        if self.flaw == "input" and len(images):
            images[0, 0, 0, 0] ^= 1
        if self.flaw == "random":
            rows = rows + np.random.default_rng().normal(size=rows.shape).astype(np.float32)
        if self.flaw == "blind":
            rows = rows * 0
        return rows


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")
@pytest.mark.parametrize(
    ("flaw", "says"),
    [
        ("batch", "one by one"),
        ("nan", "NaN or inf"),
        ("large", "float16"),
        ("double", "float32"),
        ("width", r"\[8, 3\]"),
        ("input", "left as it was"),
        ("random", "other numbers"),
        ("blind", "unlike white"),
    ],
)
def test_kit_finds_the_flaw(flaw, says):
    check_patch_encoder(_Broken("none"))
    with pytest.raises(AssertionError, match=says):
        check_patch_encoder(_Broken(flaw))


@pytest.mark.parametrize(
    ("spec", "options", "error", "says"),
    [
        ("stain_textur", {}, UnknownPartError, "Did you mean 'stain_texture'"),
        ("timm", {}, RecipeError, "timm:<model>"),
        ("stain_texture", {"batch": 3}, RecipeError, "batch"),
        ("stain_texture:large", {}, RecipeError, "model"),
    ],
)
def test_a_wrong_name_says_what_is_right(spec, options, error, says):
    with pytest.raises(error, match=says):
        patch_encoder(spec, **options)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((2, 15, 64, 3), np.uint8), "at least 16 x 16 px, got 64 x 15 px"),
        (np.zeros((2, 64, 64, 3), np.float32), "got float32"),
        (np.zeros((2, 64, 64, 4), np.uint8), r"\[2, 64, 64, 4\]"),
        (np.zeros((64, 64, 3), np.uint8), r"\[64, 64, 3\]"),
    ],
)
def test_wrong_images_are_refused(images, says):
    with pytest.raises(FeatureError, match=says):
        patch_encoder("stain_texture").encode(images)
