"""timm models: shown what they expect, from the hub or from a file, and never half loaded."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from wsigraph.errors import FeatureError, MissingExtraError, RecipeError, UnknownPartError, WeightsError
from wsigraph.patches.encoder import patch_encoder
from wsigraph.patches.encoders.timm import TimmEncoder
from wsigraph.patches.preprocess import Preprocess
from wsigraph.testing.patch_encoders import tissue_like_patch

MODEL = "resnet10t"


@pytest.fixture(scope="module")
def random_model(timm):
    torch.manual_seed(5)
    return timm.create_model(MODEL, pretrained=False, num_classes=7).eval()


@pytest.fixture(scope="module")
def weights(random_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save_file(random_model.state_dict(), path)
    return path


def config(**changes):
    plain = {
        "input_size": (3, 224, 224),
        "crop_pct": 0.875,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    }
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("changes", "height", "width"),
    [
        ({}, 256, 256),
        ({}, 512, 512),
        ({}, 96, 96),
        ({"interpolation": "bilinear"}, 300, 300),
        ({"crop_pct": 1.0}, 224, 224),
        ({"crop_pct": 0.9, "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}, 256, 256),
        ({}, 256, 333),
        ({"crop_mode": "squash"}, 256, 333),
        ({"crop_mode": "border"}, 256, 333),
        ({"input_size": (3, 160, 224)}, 333, 256),
    ],
)
def test_preprocess_equals_timm(timm, changes, height, width):
    from PIL import Image
    from timm.data import create_transform

    image = tissue_like_patch(512, seed=3)[:height, :width]
    settings = config(**changes)
    wanted = create_transform(**settings, is_training=False)(Image.fromarray(image))
    got = Preprocess.from_config(settings)(torch.from_numpy(image[None].copy()))[0]
    assert got.shape == wanted.shape
    grey_levels = (got - wanted).abs() * torch.tensor(settings["std"]).view(3, 1, 1) * 255
    assert grey_levels.max() < 1.01
    assert (grey_levels > 0.01).float().mean() < 0.002


def test_features_equal_timm_with_its_own_transform(timm, random_model, weights):
    from PIL import Image
    from timm.data import create_transform, resolve_model_data_config

    encoder = patch_encoder(f"timm:{MODEL}", weights=weights, device="cpu", batch=2)
    images = np.stack([tissue_like_patch(256, seed=seed) for seed in range(3)])
    transform = create_transform(**resolve_model_data_config(random_model), is_training=False)
    with torch.inference_mode():
        x = torch.stack([transform(Image.fromarray(image)) for image in images])
        wanted = random_model.forward_head(random_model.forward_features(x), pre_logits=True).numpy()
    got = encoder.encode(images)
    assert got.shape == (3, encoder.out_channels) == wanted.shape
    np.testing.assert_allclose(got, wanted, atol=0.02 * np.abs(wanted).max())
    assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.9995


def test_name_tells_weights_apart(timm, weights, random_model, tmp_path):
    as_torch_file = tmp_path / "net.pth"
    torch.save({"state_dict": random_model.state_dict()}, as_torch_file)
    from_file, again, random, control = (
        TimmEncoder(MODEL, weights=weights).full_name,
        TimmEncoder(MODEL, weights=as_torch_file).full_name,
        TimmEncoder(MODEL, pretrained=False).full_name,
        TimmEncoder(MODEL, pretrained=False).full_name,
    )
    assert from_file == again != random == control
    assert from_file.startswith(f"timm:{MODEL}@")


def test_random_weights_leave_the_callers_random_state(timm):
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    TimmEncoder(MODEL, pretrained=False)
    torch.testing.assert_close(torch.rand(3), wanted, rtol=0, atol=0)


def test_transformer_pools_one_row(timm):
    encoder = TimmEncoder(
        "vit_tiny_patch16_224", pretrained=False, device="cpu", model_args={"img_size": 64, "depth": 2}
    )
    assert (encoder.preprocess.height, encoder.out_channels) == (64, 192)
    assert encoder.encode(np.zeros((0, 64, 64, 3), np.uint8)).shape == (0, 192)
    with pytest.raises(RecipeError, match="pool"):
        TimmEncoder("vit_tiny_patch16_224", pretrained=False, model_args={"global_pool": "", "depth": 1})


def test_missing_tensors_are_named(timm, random_model, tmp_path):
    state = random_model.state_dict()
    path = tmp_path / "half.safetensors"
    save_file({key: value for key, value in state.items() if not key.startswith("layer3.")}, path)
    with pytest.raises(WeightsError, match=r"such as 'layer3\."):
        TimmEncoder(MODEL, weights=path)


def test_weights_of_another_model_are_refused(timm, weights):
    with pytest.raises(WeightsError, match=r"net\.safetensors"):
        TimmEncoder("vit_tiny_patch16_224", weights=weights)


class _Evil:
    def __reduce__(self):
        return (sys.exit, (3,))


def test_a_file_cannot_run_code(timm, tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"x": _Evil()}, path)
    with pytest.raises(WeightsError, match="weights_only"):
        TimmEncoder(MODEL, weights=path)


@pytest.mark.parametrize(
    ("name", "says"),
    [("none.safetensors", "no such file"), ("net.npz", "safetensors"), ("cut.safetensors", "cut")],
)
def test_broken_files(timm, tmp_path, name, says):
    if name != "none.safetensors":
        (tmp_path / name).write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(WeightsError, match=says):
        TimmEncoder(MODEL, weights=tmp_path / name)


def test_failed_download_names_the_offline_way(timm, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("cannot reach the hub")

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(WeightsError, match=r"cannot reach the hub.*weights=<file.safetensors>"):
        TimmEncoder(MODEL)


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r"pip install wsigraph\[encoders\]"):
        patch_encoder("timm:resnet18")


def test_wrong_arguments(timm):
    with pytest.raises(UnknownPartError, match="resnet18"):
        TimmEncoder("resnt18")
    with pytest.raises(RecipeError, match="precision"):
        TimmEncoder(MODEL, precision="int4")
    with pytest.raises(RecipeError, match="at least 1 patch, got 0"):
        TimmEncoder(MODEL, batch=0)
    with pytest.raises(RecipeError, match="lanczos"):
        Preprocess.from_config(config(interpolation="lanczos"))


def test_nan_features_are_refused(timm, random_model, tmp_path):
    state = {key: value.clone() for key, value in random_model.state_dict().items()}
    state["conv1.0.weight"][0] = float("nan")
    path = tmp_path / "nan.safetensors"
    save_file(state, path)
    with pytest.raises(FeatureError, match=r"NaN or inf in fp32\. Check the weights"):
        TimmEncoder(MODEL, weights=path)
