"""The classic bags, against a reading of their files that shares nothing with the suite's."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites import mil_classic
from wsigraph.pipelines.benchmark.suites.mil_classic import read_bags

BAGS = {"musk1": (47, 45), "musk2": (39, 63), "elephant": (100, 100), "fox": (100, 100), "tiger": (100, 100)}
"""Positive and negative bags, as published."""


@pytest.fixture
def folder(tmp_path):
    """Two made-up sets in the layout of the real ones."""
    rng = np.random.default_rng(0)
    bag = np.repeat(np.arange(1, 13), 3)
    (tmp_path / "mil_classic").mkdir()
    x = rng.random((36, 4)).astype(np.float32)
    np.savez(tmp_path / "mil_classic" / "toy.npz", x=x, bag=bag[::-1], y=np.arange(12) % 2)
    return tmp_path


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(BAGS))
def test_bags_are_those_of_the_literature(real_data, name):
    held = read_bags(real_data / "mil_classic" / f"{name}.npz")
    assert (sum(y for _, y in held), sum(1 - y for _, y in held)) == BAGS[name]
    with np.load(real_data / "mil_classic" / f"{name}.npz", allow_pickle=False) as file:
        first = [row for row, number in zip(file["x"], file["bag"], strict=True) if number == 2]
        assert sum(len(x) for x, _ in held) == len(file["x"])
        assert held[1][1] == file["y"][1]
    assert (held[1][0] == np.stack(first)).all()
    assert {x.shape[1] for x, _ in held} == {mil_classic.WIDTHS[name]}


def test_instances_go_to_their_bag_whatever_their_order(folder):
    held = read_bags(folder / "mil_classic" / "toy.npz")
    with np.load(folder / "mil_classic" / "toy.npz") as file:
        assert (held[0][0] == file["x"][-3:]).all()
    assert [y for _, y in held] == [0, 1] * 6


def test_only_methods_that_read_no_places_take_part(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(mil_classic, "WIDTHS", {"toy": 4})
    monkeypatch.setattr(mil_classic.MilClassic, "names", ("toy",))
    wish = Wish(tmp_path / "work", folder, recipes=("gin", "abmil", "mean_pool", "transmil"))
    (contest,) = suite("mil_classic").contests(wish)
    assert (contest.name, list(contest.recipes), contest.folds) == ("toy", ["abmil", "mean_pool"], 10)
    assert [slide.label for slide in contest.cohort.slides] == ["negative", "positive"] * 6
    assert not read_features(contest.cohort.slides[3].path).has_coords
    with pytest.raises(RunError, match="at least one method that reads no places, got \\['gin'\\]"):
        suite("mil_classic").contests(Wish(tmp_path / "work", folder, recipes=("gin",)))


def test_a_bag_without_a_label_is_refused(folder):
    file = folder / "mil_classic" / "toy.npz"
    with np.load(file) as held:
        parts = dict(held)
    np.savez(file, x=parts["x"], bag=parts["bag"], y=parts["y"][:-1])
    with pytest.raises(RunError, match="a label 0 or 1 for each bag, got 12 bags, 11 labels"):
        read_bags(file)


def test_without_data_it_says_what_it_needs(tmp_path):
    with pytest.raises(RunError, match="mil_classic"):
        suite("mil_classic").contests(Wish(tmp_path, tmp_path))
