"""Patch networks: an adapter that begins as the features, views from a generator, pixels in and rows out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.nn.patch_networks.resnet import PatchResNet
from wsigraph.patches.augment.views import Augmentation
from wsigraph.patches.resnet import ResNet, unit_images


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def adapter(channels=5, **options):
    torch.manual_seed(0)
    made = Adapter(channels, hidden_channels=7, **options).double()
    made.standardise.set_statistics(torch.arange(channels).double(), torch.arange(1, channels + 1).double())
    return made


def test_a_new_adapter_gives_back_the_standardised_features():
    raw = torch.randn(9, 5, generator=generator(), dtype=torch.float64)
    wanted = (raw.numpy() - np.arange(5)) / np.arange(1, 6)
    np.testing.assert_allclose(adapter().encode(raw).numpy(), wanted.astype(np.float32), rtol=1e-6)


def test_a_trained_adapter_is_its_equation():
    one = adapter()
    torch.nn.init.normal_(one.outer.weight)
    torch.nn.init.normal_(one.outer.bias)
    x = torch.randn(4, 5, generator=generator(), dtype=torch.float64)
    (w1, b1), (w2, b2) = (
        (p.weight.detach().numpy(), p.bias.detach().numpy()) for p in (one.inner, one.outer)
    )
    for row, got in zip(x.numpy(), one(x).detach().numpy(), strict=True):
        np.testing.assert_allclose(got, row + w2 @ np.maximum(w1 @ row + b1, 0) + b2, rtol=1e-12)


def test_views_of_rows_are_two_masks_from_the_generator_alone():
    one, raw = adapter(dropout=0.25), torch.randn(2000, 5, generator=generator(), dtype=torch.float64)
    plain = one.plain(raw)
    first, second = one.two_views(raw, generator(1))
    again, _ = one.two_views(raw, generator(1))
    torch.manual_seed(9)  # global state has no say
    other, _ = one.two_views(raw, generator(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)
    for view in (first, second):
        kept = view != 0
        torch.testing.assert_close(view[kept], plain[kept] / 0.75)
        assert abs(kept.double().mean().item() - 0.75) < 0.02
    none = adapter(dropout=0.0)
    assert torch.equal(none.two_views(raw, generator())[1], none.plain(raw))


def test_a_dropout_of_everything_is_refused():
    with pytest.raises(RecipeError, match=r"Adapter: expected a dropout from 0 to below 1, got 1\.0"):
        Adapter(5, dropout=1.0)


def test_pixels_go_through_the_built_in_network_and_views_are_its_augmentation():
    torch.manual_seed(0)
    one = PatchResNet(48, stem="small", width=2, augmentation={"area": [0.5, 1.0], "grey": 0.0}).eval()
    raw = torch.randint(0, 256, (3, 20, 20, 3), dtype=torch.uint8, generator=generator())
    assert one.out_channels == 16
    assert one.reads == "pixels"
    torch.testing.assert_close(one.encode(raw), one.network(unit_images(raw)).detach())
    wanted = Augmentation(area=(0.5, 1.0), grey=0.0).two_views(unit_images(raw), generator(3))
    for got, view in zip(one.two_views(raw, generator(3)), wanted, strict=True):
        assert torch.equal(got, view)
    assert isinstance(one.network, ResNet)


def test_what_cannot_be_is_refused():
    with pytest.raises(RecipeError, match="a width of at least 1, got 0"):
        PatchResNet(width=0)
    with pytest.raises(RecipeError, match="Augmentation: expected valid numbers"):
        PatchResNet(width=2, augmentation={"turn": 1})
    with pytest.raises(RecipeError, match="grey between 0 and 1, got 2"):
        PatchResNet(width=2, augmentation={"grey": 2})
    with pytest.raises(UnknownPartError, match="patch network"):
        PatchNetwork.registry.get("resnet19")


def test_any_timm_model_is_shown_what_its_configuration_says(timm):
    from wsigraph.nn.patch_networks.timm import PatchTimm

    one = PatchTimm(3, model="resnet10t", pretrained=False).eval()
    one.size = (40, 40)  # smaller than its 176, to be quick
    raw = torch.randint(0, 256, (2, 24, 24, 3), dtype=torch.uint8, generator=generator())
    shown = torch.nn.functional.interpolate(unit_images(raw), (40, 40), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(one.network.default_cfg[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    torch.testing.assert_close(one.encode(raw), one.network((shown - mean) / std).detach())
    assert one.encode(raw).shape == (2, one.out_channels)
    with pytest.raises(UnknownPartError, match="Did you mean"):
        PatchTimm(3, model="resnet10x")
