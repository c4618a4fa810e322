"""The built-in ResNet against loops in NumPy, and what instance normalisation promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.errors import FeatureError, RecipeError
from wsigraph.patches.resnet import ResNet, resnet18, unit_images


def images(b, side, *, seed=0, dtype=torch.float32):
    return torch.rand(b, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def made(seed=1, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResNet(**options)


def conv(x, weight, stride):
    """Convolution of one image by loops; odd kernels, padded to keep the size at stride 1."""
    k = weight.shape[-1]
    padded = np.pad(x, ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
    height, width = (-(-side // stride) for side in x.shape[1:])
    out = np.zeros((len(weight), height, width))
    for c in range(len(weight)):
        for i in range(height):
            for j in range(width):
                seen = padded[:, i * stride : i * stride + k, j * stride : j * stride + k]
                out[c, i, j] = (seen * weight[c]).sum()
    return out


def norm(x):
    mean, var = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


def pool(x):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    height, width = (-(-side // 2) for side in x.shape[1:])
    return np.array(
        [
            [padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(width)]
            for i in range(height)
        ]
    ).transpose(2, 0, 1)


def by_loops(model, x):
    weights = iter([w.detach().numpy() for w in model.parameters()])
    wide = isinstance(model.stem[-1], torch.nn.MaxPool2d)
    x = np.maximum(norm(conv(x, next(weights), 2 if wide else 1)), 0)
    x = pool(x) if wide else x
    for block in model.blocks:
        stride = block.first.stride[0]
        inner = np.maximum(norm(conv(x, next(weights), stride)), 0)
        inner = norm(conv(inner, next(weights), 1))
        aside = norm(conv(x, next(weights), stride)) if stride > 1 else x
        x = np.maximum(inner + aside, 0)
    return x.mean((1, 2))


@pytest.mark.parametrize(("stem", "side"), [("small", 9), ("small", 11), ("wide", 33), ("wide", 40)])
def test_it_is_the_network_of_the_equation(stem, side):
    model = made(stem=stem, width=2, depths=(1, 2, 1, 1)).double()
    x = images(2, side, dtype=torch.float64)
    wanted = np.stack([by_loops(model, one) for one in x.numpy()])
    np.testing.assert_allclose(model(x).detach().numpy(), wanted, rtol=1e-9, atol=1e-12)


def test_resnet18_has_the_known_number_of_weights():
    """11,176,512 in the published network without its classifier, 9,600 of them in batch normalisation."""
    assert sum(w.numel() for w in resnet18().parameters()) == 11_176_512 - 9_600
    small = sum(w.numel() for w in resnet18(stem="small").parameters())
    assert small == 11_166_912 - 3 * 64 * 49 + 3 * 64 * 9
    assert resnet18().out_channels == 512
    assert len([m for m in resnet18().modules() if isinstance(m, torch.nn.Conv2d)]) == 20


@pytest.mark.parametrize("stem", ["small", "wide"])
def test_an_image_is_encoded_alike_alone_and_in_any_company_and_mode(stem):
    model = made(stem=stem, width=4).double()
    x = images(3, 40, dtype=torch.float64)
    together = model(x)
    alone = torch.cat([model(one.unsqueeze(0)) for one in x])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-12)
    assert model.eval()(x).equal(together)
    assert not list(model.buffers())


def test_brightness_of_a_whole_image_changes_nothing():
    model = made(stem="small", width=4).double()
    x = images(2, 20, dtype=torch.float64)
    torch.testing.assert_close(model(0.4 * x), model(x), rtol=1e-3, atol=1e-3)  # but for the epsilon
    assert not torch.allclose(model(x.flip(0)), model(x), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(("stem", "least"), [("small", 9), ("wide", 33)])
def test_the_smallest_image_still_tells_apart_and_a_smaller_one_is_refused(stem, least):
    model = made(stem=stem, width=4)
    first, second = model(images(2, least))
    assert (first - second).abs().max() > 1e-3
    with pytest.raises(FeatureError, match=f"sides of at least {least} px, got {least - 1} x {least - 1} px"):
        model(images(2, least - 1))


def test_every_weight_learns_and_a_few_steps_tell_two_textures_apart():
    generator = torch.Generator().manual_seed(0)
    fine = torch.rand(8, 3, 27, 27, generator=generator)
    coarse = torch.nn.functional.interpolate(torch.rand(8, 3, 9, 9, generator=generator), scale_factor=3)
    x, target = torch.cat([fine, coarse]), torch.arange(16) // 8
    model = torch.nn.Sequential(made(stem="small", width=4), made_linear(32))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all((w.grad != 0).any() for w in model.parameters())
    assert losses[-1] < 0.1 * losses[0]


def made_linear(channels):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return torch.nn.Linear(channels, 2)


def test_gradients_are_those_of_the_network():
    model = made(stem="small", width=1, depths=(1, 1)).double()
    x = images(1, 4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(model, (x,))


def test_state_makes_the_round_trip():
    model, other = made(seed=1, width=4), made(seed=2, width=4)
    x = images(2, 40)
    assert not other(x).equal(model(x))
    other.load_state_dict(model.state_dict())
    assert other(x).equal(model(x))


def test_pixels_become_unit_values_in_the_networks_order():
    pixels = torch.randint(0, 256, (2, 5, 7, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    x = unit_images(pixels)
    assert x.shape == (2, 3, 5, 7)
    assert x[1, 2, 4, 6].item() == pytest.approx(pixels[1, 4, 6, 2].item() / 255)
    assert (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).equal(pixels)


def test_other_inputs_are_refused():
    with pytest.raises(FeatureError, match=r"images \[B, 3, H, W\], got \[2, 40, 40, 3\]"):
        made(width=2)(torch.zeros(2, 40, 40, 3))
    with pytest.raises(FeatureError, match="uint8 images"):
        unit_images(torch.zeros(2, 5, 5, 3))
    with pytest.raises(RecipeError, match="a stem 'wide' or 'small', got 'tiny'"):
        ResNet(stem="tiny")
