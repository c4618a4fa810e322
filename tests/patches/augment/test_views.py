"""Views are drawn from the given generator alone, as often and as strongly as they say."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from wsigraph.errors import FeatureError, RecipeError
from wsigraph.patches.augment.views import Augmentation

NOTHING = Augmentation(area=(1.0, 1.0), ratio=(1.0, 1.0), flip=0.0, jitter=0.0, grey=0.0, blurred=0.0)
MANY = 4000


def images(b=4, side=12, seed=0):
    return torch.rand(b, 3, side, side, generator=torch.Generator().manual_seed(seed))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(augmentation=None, seed=0):
    return (augmentation or Augmentation()).draw(MANY, generator(seed))


def near(count, share, of=MANY):
    """Within four standard deviations of a binomial count."""
    return abs(count - share * of) < 4 * math.sqrt(of * share * (1 - share))


def test_changes_happen_as_often_as_they_say():
    draws = drawn()
    jittered = draws.brightness != 1
    assert near(int(jittered.sum()), 0.8)
    assert ((draws.contrast != 1) == jittered).float().mean() > 0.999  # all colours change, or none
    assert near(int(draws.grey.sum()), 0.2)
    assert near(int((draws.sigma_px > 0).sum()), 0.5)
    assert near(int((draws.across & draws.down).sum()), 0.25)
    assert near(int((draws.across ^ draws.down).sum()), 0.5)


def test_changes_are_as_strong_as_they_say_and_no_stronger():
    draws = drawn()
    for factor in (draws.brightness, draws.contrast, draws.saturation):
        assert 0.6 <= factor.min() < 0.61
        assert 1.39 < factor.max() <= 1.4
    assert -0.1 <= draws.hue.min() < -0.099
    assert 0.099 < draws.hue.max() <= 0.1
    blurred = draws.sigma_px[draws.sigma_px > 0]
    assert 0.1 <= blurred.min() < 0.11
    assert 1.98 < blurred.max() <= 2.0


def test_crops_lie_in_the_image_with_the_areas_and_ratios_asked_for():
    left, top, width, height = drawn().box.unbind(1)
    for start, length in ((left, width), (top, height)):
        assert start.min() >= 0
        assert (start + length).max() <= 1 + 1e-6
    area, ratio = width * height, width / height
    assert 0.2 - 1e-6 <= area.min() < 0.21
    assert area.max() > 0.95
    assert 3 / 4 - 1e-6 <= ratio.min() < 0.76
    assert 1.32 < ratio.max() <= 4 / 3 + 1e-6
    assert abs(float(ratio.log().mean())) < 0.01  # as often wide as high
    small = area < 0.5  # far from being cut, areas are even: half of .2 to .5 lies below .35
    assert near(int((area[small] < 0.35).sum()), 0.5, of=int(small.sum()))
    moved = (left / (1 - width))[small]
    assert abs(float(moved.mean()) - 0.5) < 4 * math.sqrt(1 / 12 / int(small.sum()))


def test_the_generator_alone_decides():
    x = images()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = Augmentation().two_views(x, generator(3))
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(6)
    again = Augmentation().two_views(x, generator(3))
    other = Augmentation().two_views(x, generator(4))
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    assert not first[0].equal(other[0])
    assert not first[0].equal(first[1])


def test_what_is_drawn_does_not_depend_on_what_is_shown():
    one, two = generator(1), generator(1)
    Augmentation().two_views(images(seed=0), one)
    Augmentation().two_views(images(side=30, seed=1), two)
    assert one.get_state().equal(two.get_state())


def test_an_image_alone_becomes_what_it_becomes_in_a_batch():
    x, draws = images(), Augmentation(sigma_px=(1.0, 1.0)).draw(4, generator())
    together = draws.of(x)
    for i in range(4):
        own = dataclasses.replace(
            draws, **{f.name: getattr(draws, f.name)[i : i + 1] for f in dataclasses.fields(draws)}
        )
        torch.testing.assert_close(own.of(x[i : i + 1]), together[i : i + 1], atol=1e-6, rtol=0)


def test_nothing_asked_is_nothing_done():
    for view in NOTHING.two_views(images(), generator()):
        torch.testing.assert_close(view, images(), atol=1e-5, rtol=0)


def test_views_stay_pictures_and_leave_the_originals_alone():
    x = images(64)
    kept = x.clone()
    for view in Augmentation(brightness=1.0, contrast=1.0, saturation=1.0, hue=0.5).two_views(x, generator()):
        assert view.shape == x.shape
        assert 0 <= view.min() < view.max() <= 1
    assert x.equal(kept)


@pytest.mark.parametrize("name", ["flip", "jitter", "grey", "blurred", "area"])
def test_each_change_does_something_by_itself(name):
    on = {"area": (0.3, 0.5)} if name == "area" else {name: 1.0}
    view = dataclasses.replace(NOTHING, **on).draw(4, generator()).of(images())
    assert ((view - images()).abs().amax(dim=(1, 2, 3)) > 0.02).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"flip": 1.5}, "flip between 0 and 1, got 1.5"),
        ({"brightness": -0.1}, "brightness between 0 and 1"),
        ({"hue": 0.7}, "hue between 0 and 0.5, got 0.7"),
        ({"area": (0.0, 1.0)}, "0 < area, rising, up to 1"),
        ({"area": (0.9, 0.5)}, "0 < area, rising"),
        ({"ratio": (2.0, 1.0)}, "0 < ratio, rising"),
        ({"sigma_px": (-1.0, 1.0)}, "0 <= sigma_px, rising"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, words):
    with pytest.raises(RecipeError, match=words):
        Augmentation(**wrong)


def test_other_shapes_are_refused():
    draws = Augmentation().draw(4, generator())
    with pytest.raises(FeatureError, match=r"images \[4, 3, H, W\], got \[4, 12, 12, 3\]"):
        draws.of(images().permute(0, 2, 3, 1))
