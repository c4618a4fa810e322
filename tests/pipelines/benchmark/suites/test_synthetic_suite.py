"""The synthetic suite holds what it says: twins, patients, strengths; and makes its files once."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.io.atomic import write_json
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark import BenchmarkPlan
from wsigraph.pipelines.benchmark.prepared import MADE
from wsigraph.pipelines.benchmark.ready import make_ready
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites import synthetic
from wsigraph.pipelines.reporter import Silent
from wsigraph.synthetic.dial import KINDS, kind_means

ARRANGEMENTS = ("adjacency", "boundary", "clustering", "gradient", "nesting")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def contests(work, monkeypatch):
    """All of them, of three pairs."""
    monkeypatch.setattr(synthetic, "PAIRS", 3)
    wish = Wish(work, recipes=("abmil", "gin"), changes={"optimiser.epochs": 1})
    return {contest.name: contest for contest in suite("synthetic").contests(wish)}


def slides(contest):
    """Features and labels, in order."""
    return [(read_features(slide.path), slide.label, slide.patient_id) for slide in contest.cohort.slides]


def rows(features):
    """The set of rows, whatever their order."""
    return sorted(map(tuple, features.x.tolist()))


def test_there_are_five_arrangements_at_three_strengths_and_the_reverse(contests):
    dials = {f"{name}_{strength}" for name in ARRANGEMENTS for strength in ("0.0", "0.5", "1.0")}
    assert set(contests) == dials | {"shares_0.1", "shares_1.0"}
    for contest in contests.values():
        assert contest.synthetic
        assert {slide.slide_id[:10] for slide in contest.cohort.slides} == {"synthetic_"}
        assert {name: one.optimiser.epochs for name, one in contest.recipes.items()} == {"abmil": 1, "gin": 1}
        assert contest.recipes["gin"].graph.name == "knn"
        assert contest.recipes["gin"].sampler == contest.recipes["abmil"].sampler


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_twins_hold_the_same_rows_at_the_same_places_of_one_patient(contests, name):
    for strength in ("0.0", "0.5", "1.0"):
        found = slides(contests[f"{name}_{strength}"])
        assert len(found) == 6
        for (one, label, patient), (other, twin_label, twin_patient) in zip(
            found[::2], found[1::2], strict=True
        ):
            assert (label != twin_label, patient) == (True, twin_patient)
            assert rows(one) == rows(other)
            assert (one.coords == other.coords).all()
            assert bool((one.x == other.x).all()) == (strength == "0.0")
        assert len({patient for _, _, patient in found}) == 3


def test_a_stronger_dial_moves_more_rows_between_twins(contests):
    moved = []
    for strength in ("0.0", "0.5", "1.0"):
        found = slides(contests[f"clustering_{strength}"])
        pairs = zip(found[::2], found[1::2], strict=True)
        moved.append(sum(int((a[0].x != b[0].x).any(axis=1).sum()) for a, b in pairs))
    assert moved[0] == 0
    assert moved[0] < moved[1] < moved[2]


def test_the_reverse_differs_by_the_share_of_one_kind_alone(contests):
    means = kind_means()
    for name, poor, rich in (("shares_1.0", 0.05, 0.25), ("shares_0.1", 0.14, 0.16)):
        for features, label, _ in slides(contests[name]):
            distance = np.linalg.norm(features.x[:, None].astype(float) - means, axis=2)
            share = (distance.argmin(axis=1) == 1).mean()
            assert share == pytest.approx(rich if label == "rich" else poor, abs=0.02)
    assert KINDS == 3


def test_files_are_made_once_and_anew_where_they_are_not_whole(contests, work, monkeypatch):
    folder = work / "synthetic" / "nesting_1.0"
    files = sorted((folder / "features").glob("*.h5"))
    before = [file.stat().st_mtime_ns for file in files]
    wish = Wish(work, recipes=("abmil",))
    suite("synthetic").contests(wish)
    assert [file.stat().st_mtime_ns for file in files] == before
    (folder / MADE).unlink()  # as a killed preparation leaves it
    suite("synthetic").contests(wish)
    assert all(new.stat().st_mtime_ns > old for new, old in zip(files, before, strict=True))
    again = [file.stat().st_mtime_ns for file in files]
    write_json(folder / MADE, {"wsigraph": "0", "what": "another"})
    suite("synthetic").contests(wish)
    assert all(new.stat().st_mtime_ns > old for new, old in zip(files, again, strict=True))


def test_a_contest_can_begin_and_keeps_twins_together(contests):
    contest = contests["boundary_0.0"]  # twins are one slide here: on two sides they would be a leak
    ready = make_ready(contest, BenchmarkPlan((contest,), seeds=(0,), code="1"), Silent())
    assert len(ready.splits[0]) == contest.folds == 3
    for split in ready.splits[0]:
        assert len(split.test) == 2
        assert len({contest.cohort.patients[i] for i in split.test}) == 1
