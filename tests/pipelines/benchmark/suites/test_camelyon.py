"""Who gets which tissue, lesion, fold and nuclei; the real outlines in a few."""

from __future__ import annotations

import csv
from dataclasses import asdict

import numpy as np
import pytest

from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark.semireal import Dials, lattice_centres
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites import camelyon
from wsigraph.pipelines.benchmark.suites.camelyon import (
    FILE,
    FOLDS,
    TRUTH,
    Geometry,
    deal,
    read_geometry,
    splits_of,
)


def square(side):
    return np.array([[0, 0], [side, 0], [side, side], [0, side]]) * 100


@pytest.fixture
def geometry():
    """Made-up outlines: 27 squares of 16 to 900 patches, 20 lesions."""
    tissue = {f"normal_{i:03d}": Outlines.of([square(i + 4)]) for i in range(27)}
    return Geometry(tissue, {f"tumor_{i:03d}": square(i + 1) for i in range(20)})


def test_every_outline_and_lesion_is_used_once_and_sizes_tell_nothing(geometry):
    plots = deal(geometry, step=100)
    assert len(plots) == 26  # the first has 16 patches
    outlines, lesions = [p.outline for p in plots], [p.lesion for p in plots if p.lesion]
    assert len(set(outlines)) == 26
    assert len(lesions) == len(set(lesions)) == 13
    sizes = {name: len(lattice_centres(one, 100)) for name, one in geometry.tissue.items()}
    assert min(sizes[name] for name in outlines) >= camelyon.FEWEST
    for first, second in zip(plots[::2], plots[1::2], strict=True):
        assert bool(first.lesion) != bool(second.lesion)
        assert first.fold == second.fold
        between = [n for n in outlines if sizes[first.outline] < sizes[n] < sizes[second.outline]]
        assert not between
    assert deal(geometry, step=100) == plots
    assert deal(geometry, step=100, seed=1) != plots


def test_folds_test_every_slide_once(geometry):
    plots = deal(geometry, step=100)
    splits = splits_of(plots).splits
    assert sorted(slide for one in splits for slide in one.test) == sorted(p.slide_id for p in plots)
    for fold, one in enumerate(splits):
        assert set(one.train) | set(one.test) == {p.slide_id for p in plots}
        assert not set(one.train) & set(one.test)
        assert set(one.test) == {p.slide_id for p in plots if p.fold == fold}


def test_absent_data_are_named(tmp_path):
    asked = suite("camelyon")
    assert "needs the folder 'camelyon16_lesions'" in asked.absent(None)
    assert "no folder 'camelyon16_lesions'" in asked.absent(tmp_path)
    (tmp_path / "camelyon16_lesions").mkdir()
    assert asked.absent(tmp_path).startswith("no folder 'crchisto'")
    (tmp_path / "crchisto").mkdir()
    assert asked.absent(tmp_path) == ""


@pytest.mark.real
def test_the_real_outlines(real_data):
    geometry = read_geometry(real_data / FILE)
    assert (len(geometry.tissue), len(geometry.lesions)) == (158, 110)
    sizes = {n: len(lattice_centres(geometry.tissue[n], 512)) for n in ("normal_001", "normal_017")}
    assert all(167 <= size <= 114_879 for size in sizes.values())
    plots = deal(geometry, step=1536)
    assert len(plots) == 122
    assert np.bincount([p.fold for p in plots], minlength=FOLDS).min() >= 24


@pytest.mark.real
def test_a_slide_is_filled_with_nuclei_of_its_own_fold(real_data, tmp_path, monkeypatch):
    """Ten slides, and the nuclei of five images."""
    monkeypatch.setattr(camelyon, "deal", lambda geometry, *, step: deal(geometry, step=step)[:10])
    marks = camelyon.read_marks(real_data / "crchisto")
    few = [m for m in marks if m.label][:FOLDS]
    monkeypatch.setattr(camelyon, "read_marks", lambda source: few)
    (contest,) = suite("camelyon").contests(Wish(tmp_path, real_data, recipes=("abmil", "gcn")))
    assert contest.synthetic
    assert contest.name == "camelyon_semisynthetic"
    assert len(contest.cohort) == len(set(contest.cohort.patients)) == 10
    assert sorted(contest.cohort.labels) == ["lesion"] * 5 + ["no_lesion"] * 5
    with open(tmp_path / "camelyon" / contest.name / TRUTH, encoding="utf-8", newline="") as file:
        truth = {row["slide_id"]: row for row in csv.DictReader(file)}
    rows = [
        {bytes(row) for row in np.concatenate([one.epithelial, one.others]).astype(np.float16)}
        for one in camelyon.read_donors(real_data / "crchisto")
    ]
    for slide in contest.cohort.slides:
        features = read_features(slide.path)
        told = truth[slide.slide_id]
        assert len(features) == int(told["patches"])
        assert (int(told["lesion_patches"]) > 0) == (slide.label == "lesion")
        assert (float(told["lesion_mm2"]) > 0) == (slide.label == "lesion")
        (fold,) = [f for f, one in enumerate(contest.splits.splits) if slide.slide_id in one.test]
        assert all(bytes(row) in rows[fold] for row in features.x)


def test_the_dials_are_turned_one_at_a_time():
    asked = suite("camelyon_dial").dials
    assert len(asked) == 4
    assert all(name.startswith("camelyon_semisynthetic_") for name in asked)
    for name, dials in asked.items():
        turned = {key: value for key, value in asdict(dials).items() if value != asdict(Dials())[key]}
        assert list(turned) == [name.split("_")[2]]
        assert f"{turned[name.split('_')[2]]:.1f}" == name.split("_")[3]
