"""The lattice is found again from coordinates alone, or its absence is said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.lattice import infer, lattice_of


def make(coords, step=math.nan):
    return PatchFeatures("s", np.zeros((len(coords), 1), dtype=np.float32), coords, step_level0=step)


def tissue(step, *, holes, seed=0, side=40, at=(0, 0)):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    grid = rng.permutation(grid[rng.random(len(grid)) > holes])
    return np.round(grid * step).astype(np.int64) + np.array(at)


@pytest.mark.parametrize("step", [64, 224, 512, 1024])
@pytest.mark.parametrize("holes", [0.0, 0.3, 0.5])
def test_step_and_offset_are_inferred_through_holes(step, holes):
    coords = tissue(step, holes=holes, at=(37, -1001))
    lattice = infer(coords)
    assert lattice.step == step
    assert lattice.exact
    index = lattice.indices(coords)
    assert np.array_equal(np.diff(coords, axis=0), np.diff(index, axis=0) * step)


def test_random_points_have_no_lattice():
    points = np.random.default_rng(0).integers(0, 20000, (500, 2))
    assert not infer(points).confident


def test_a_step_of_zero_means_given_points():
    assert not lattice_of(make(tissue(512, holes=0), step=0.0)).confident


def test_a_share_off_the_lattice_lowers_the_confidence():
    coords = tissue(512, holes=0)
    coords[:160] += 200
    lattice = lattice_of(make(coords, step=512.0))
    assert lattice.confidence == pytest.approx(0.9, abs=0.005)
    assert not lattice.confident


def test_a_fractional_step_survives_rounding():
    coords = tissue(447.3, holes=0.2)
    lattice = lattice_of(make(coords, step=447.3))
    assert lattice.exact


def test_single_and_empty():
    assert lattice_of(make(np.array([[5, 7]]), step=512.0)).exact
    assert not lattice_of(make(np.empty((0, 2), dtype=np.int64))).confident
    assert not lattice_of(make(np.array([[5, 7]]))).confident


@pytest.mark.parametrize("step", [1013.0615, 447.3, 99.97])
def test_a_step_that_is_no_whole_number_is_found_over_any_distance(step):
    """The nearest whole number would leave the lattice after some hundred patches."""
    coords = tissue(step, holes=0.3, side=600)
    coords = coords[coords[:, 1] < 12 * step]
    lattice = infer(coords)
    assert lattice.step == pytest.approx(step, abs=0.02)
    assert lattice.exact


def test_few_gaps_one_pixel_off_do_not_move_the_step():
    coords = tissue(512, holes=0.2)
    stray = np.array([[512 * 40 + 1, 0], [512 * 41 + 2, 0]])
    assert infer(np.concatenate([coords, stray])).step == 512.0
