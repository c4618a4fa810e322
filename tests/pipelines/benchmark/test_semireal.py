"""Semi-synthetic slides: patches in tissue, lesions in their outlines, and dials that turn what they say."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import CohortError
from wsigraph.evaluation.outlines import Outlines
from wsigraph.pipelines.benchmark.semireal import Dials, Donors, area, filled, lattice_centres, semireal_slide

STEP = 100
RINGS = (
    np.array([[40, 30], [2510, 160], [2300, 1900], [900, 2600], [150, 1400]]),
    np.array([[3000, 0], [3900, 0], [3400, 800]]),
)
TISSUE = Outlines.of(RINGS)
LESION = np.array([[9000, 9000], [9700, 9100], [9800, 9900], [9400, 9500], [9100, 9800]])


def holds(polygon, point):
    """Whether a closed ring holds a point: a loop over its edges, counting those to the left."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 > y) != (y1 > y) and x > x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


def donors(count=500, seed=0):
    """Made-up rows: the second column says which kind a row is, the first which of them."""
    rng = np.random.default_rng(seed)
    rows = [np.stack([rng.random(count), np.full(count, kind)], 1).astype(np.float32) for kind in (1, 0)]
    return Donors(*rows)


def slide(seed=0, *, lesion=LESION, **dials):
    told = Dials(**{"step": STEP, **dials})
    return semireal_slide("one", TISSUE, lesion, donors=donors(), dials=told, mpp=0.25, seed=seed)


def test_patches_are_all_cells_whose_centre_lies_in_the_tissue():
    made = slide()
    centres = set(map(tuple, (made.features.coords + STEP // 2).tolist()))
    wanted = {
        (x, y)
        for x in range(STEP // 2, 4000, STEP)
        for y in range(STEP // 2, 2700, STEP)
        if any(holds(ring, (x, y)) for ring in RINGS)
    }
    assert centres == wanted
    assert (made.features.step_level0, made.features.patch_size_level0) == (STEP, STEP)


@pytest.mark.parametrize("scale", [0.01, 0.4, 1.0, 3.0])
def test_lesion_patches_are_those_within_the_outline(scale):
    for seed in range(5):
        made = slide(seed, scale=scale)
        centres = made.features.coords + STEP // 2
        assert made.lesion.tolist() == [holds(made.outline, centre) for centre in centres]
        assert made.lesion.any()
        sides = np.linalg.norm(np.diff(made.outline, axis=0), axis=1)
        assert sides == pytest.approx(scale * np.linalg.norm(np.diff(LESION, axis=0), axis=1))
        assert area(made.outline) == pytest.approx(scale**2 * area(LESION))


def test_a_lesion_that_fits_lies_on_tissue():
    """Where some of the places tried hold all of it, one of them is taken."""
    for seed in range(5):
        made = slide(seed)
        assert made.lesion.sum() == len(lattice_centres(Outlines.of([made.outline]), STEP))


def test_the_area_of_a_triangle():
    assert area(np.array([[0, 0], [4, 0], [0, 3]]) + 10**6) == pytest.approx(6.0, rel=1e-9)
    assert area(np.zeros((0, 2))) == 0.0


def test_shares_of_epithelial_rows_are_those_of_the_dials():
    lesion = np.arange(40000) % 2 == 0
    for strength, noise in ((0.0, 0.1), (0.5, 0.1), (1.0, 0.0), (1.0, 0.2)):
        x = filled(np.random.default_rng(1), donors(), lesion, Dials(strength=strength, noise=noise))
        inside, outside = x[lesion, 1].mean(), x[~lesion, 1].mean()
        assert inside == pytest.approx(noise + strength * (1 - noise), abs=0.015)
        assert outside == pytest.approx(noise, abs=0.01)


def test_at_strength_zero_a_lesion_changes_nothing():
    with_lesion, without = slide(strength=0.0), slide(lesion=None)
    assert np.array_equal(with_lesion.features.x, without.features.x)
    assert np.array_equal(with_lesion.features.coords, without.features.coords)
    assert not without.lesion.any()
    strong = slide(strength=1.0)
    changed = (strong.features.x != without.features.x).any(1)
    assert changed.any()
    assert not (changed & ~strong.lesion).any()  # and at any strength nothing outside it


def test_a_slide_depends_on_its_seed():
    assert np.array_equal(slide(3).features.x, slide(3).features.x)
    assert not np.array_equal(slide(3).features.x, slide(4).features.x)
    assert not np.array_equal(slide(3).outline, slide(4).outline)


def test_what_cannot_be_is_refused():
    for wrong in ({"strength": 1.1}, {"noise": -0.1}, {"scale": 0.0}, {"step": 0}):
        with pytest.raises(CohortError, match="Dials of semi-synthetic slides"):
            Dials(**wrong)
    with pytest.raises(CohortError, match="Slide 'one': expected patches in its tissue, got none"):
        slide(step=100_000)
    with pytest.raises(CohortError, match="an outline that encloses something"):
        slide(lesion=np.array([[0, 0], [5, 5], [10, 10]]))
    with pytest.raises(CohortError, match="rows of both kinds, of one width"):
        Donors(np.zeros((1, 2)), np.zeros((0, 2)))
