"""Each change of a patch against loops, colorsys, Pillow or SciPy, and where it must change nothing."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from wsigraph.patches.augment.blur import blur
from wsigraph.patches.augment.colour import brighten, grey, saturate, set_contrast, turn_hue, without_colour
from wsigraph.patches.augment.geometry import crop, mirror


def images(b=3, height=9, width=11, *, seed=0, dtype=torch.float64):
    return torch.rand(b, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def each(*values):
    return torch.tensor(values, dtype=torch.float64)


def crop_by_loops(image, box):
    """Bilinear interpolation, pixel by pixel; beyond the outermost centres the edge goes on."""
    _, height, width = image.shape
    left, top, wide, high = box
    out = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            y = np.clip(top * height + (i + 0.5) * high - 0.5, 0, height - 1)
            x = np.clip(left * width + (j + 0.5) * wide - 0.5, 0, width - 1)
            i0, j0 = min(int(y), height - 2), min(int(x), width - 2)
            a, b = y - i0, x - j0
            upper = (1 - b) * image[:, i0, j0] + b * image[:, i0, j0 + 1]
            lower = (1 - b) * image[:, i0 + 1, j0] + b * image[:, i0 + 1, j0 + 1]
            out[:, i, j] = (1 - a) * upper + a * lower
    return out


def test_a_crop_is_bilinear():
    x = images()
    boxes = each([0.1, 0.2, 0.5, 0.6], [0.0, 0.7, 0.9, 0.3], [0.35, 0.0, 0.3, 1.0])
    wanted = np.stack([crop_by_loops(one, box) for one, box in zip(x.numpy(), boxes.tolist(), strict=True)])
    np.testing.assert_allclose(crop(x, boxes).numpy(), wanted, atol=1e-9)


def test_the_whole_image_is_its_own_crop_and_a_slope_stays_one():
    x = images()
    torch.testing.assert_close(crop(x, each([0, 0, 1, 1]).expand(3, 4)), x, atol=1e-9, rtol=0)
    slope = (torch.arange(20, dtype=torch.float64) + 0.5).expand(1, 3, 20, 20)  # x at pixel centres
    got = crop(slope, each([0.25, 0.3, 0.5, 0.4]))
    wanted = 5 + (torch.arange(20) + 0.5) * 0.5
    torch.testing.assert_close(got[0, 0, 7], wanted.double(), atol=1e-9, rtol=0)


def test_mirrors():
    x = images()
    got = mirror(x, torch.tensor([True, False, True]), torch.tensor([False, True, True]))
    assert got[0].equal(x[0].flip(2))
    assert got[1].equal(x[1].flip(1))
    assert got[2].equal(x[2].rot90(2, (1, 2)))


def pixels_of(x):
    return Image.fromarray((x.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())


@pytest.mark.parametrize(
    ("ours", "pillows"),
    [
        (brighten, ImageEnhance.Brightness),
        (set_contrast, ImageEnhance.Contrast),
        (saturate, ImageEnhance.Color),
    ],
)
@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_colours_change_as_pillow_changes_them(ours, pillows, factor):
    x = torch.round(images(1, 30, 30) * 255) / 255
    got = ours(x, each(factor))[0].permute(1, 2, 0).numpy() * 255
    wanted = np.asarray(pillows(pixels_of(x[0])).enhance(factor), float)
    assert np.abs(got - wanted).max() <= 2.0  # Pillow rounds greys, their mean and the result


def test_a_factor_of_one_a_turn_of_none_and_a_whole_turn_change_nothing():
    x = images(2)
    for change in (brighten, set_contrast, saturate):
        assert change(x, each(1, 1)).equal(x)
    for turn in (0.0, 1.0, -1.0):
        torch.testing.assert_close(turn_hue(x, each(turn, turn)), x, atol=1e-12, rtol=0)


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.03, 1 / 3, 0.5])
def test_hues_turn_as_colorsys_turns_them(turn):
    x = images(1, 12, 12)
    x[0, :, 0] = x[0, :1, 0]  # greys have no hue
    x[0, 0, 1], x[0, 1, 2] = 1.0, 0.0  # ties of the brightest and the darkest
    x[0, 1, 1] = 1.0
    got = turn_hue(x, each(turn))[0].permute(1, 2, 0).numpy()
    for i in range(12):
        for j in range(12):
            h, s, v = colorsys.rgb_to_hsv(*x[0, :, i, j].tolist())
            np.testing.assert_allclose(got[i, j], colorsys.hsv_to_rgb((h + turn) % 1, s, v), atol=1e-12)


def test_turns_of_a_third_pass_the_channels_on_and_turn_back():
    x = images(1)
    torch.testing.assert_close(turn_hue(x, each(1 / 3)), x[:, [2, 0, 1]], atol=1e-12, rtol=0)
    torch.testing.assert_close(turn_hue(turn_hue(x, each(0.2)), each(-0.2)), x, atol=1e-12, rtol=0)


def test_grey_is_the_luma_and_only_where_asked():
    x = images(2)
    got = without_colour(x, torch.tensor([True, False]))
    wanted = 0.299 * x[0, 0] + 0.587 * x[0, 1] + 0.114 * x[0, 2]
    torch.testing.assert_close(got[0], wanted.expand(3, 9, 11))
    assert got[1].equal(x[1])
    torch.testing.assert_close(grey(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))


@pytest.mark.parametrize("sigmas", [(0.5, 1.0, 2.0), (0.0, 1.3, 0.0), (0.1, 0.1, 0.1)])
def test_a_blur_is_that_of_scipy(sigmas):
    x = images(3, 21, 17)
    got = blur(x, each(*sigmas)).numpy()
    reach = math.ceil(3 * max(sigmas))
    for one, out, sigma in zip(x.numpy(), got, sigmas, strict=True):
        wanted = (
            one
            if not sigma
            else gaussian_filter(one, (0, sigma, sigma), mode="mirror", radius=(0, reach, reach))
        )
        np.testing.assert_allclose(out, wanted, atol=1e-12)


def test_a_blur_keeps_what_is_even_and_fits_the_smallest_patches():
    even = torch.full((2, 3, 4, 3), 0.3, dtype=torch.float64)
    torch.testing.assert_close(blur(even, each(5.0, 0.0)), even)
    assert blur(images(1, 1, 1), each(2.0)).equal(images(1, 1, 1))


def test_images_do_not_see_each_other():
    x = images(3)
    some = each(0.5, 1.2, 0.9)
    for change in (brighten, set_contrast, saturate, turn_hue):
        together = change(x, some)
        for i in range(3):
            torch.testing.assert_close(together[i : i + 1], change(x[i : i + 1], some[i : i + 1]))
