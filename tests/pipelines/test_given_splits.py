"""Splits of a file are the folds that are trained, and nothing may leak across them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from wsigraph.errors import CohortError, LeakError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features, write_features
from wsigraph.io.splits import NamedSplit, SplitSet, write_splits
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.leaks import check_sides, traits_of_facts, traits_of_files
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.splits import Split


@pytest.fixture
def halves(cohort):
    """Two folds that no draw would give: the slides of each class in the order of the manifest."""
    patients = {slide.patient_id: slide.label for slide in cohort.slides}
    order = [patient for _, patient in sorted((label, patient) for patient, label in patients.items())]
    sides = {"test": set(order[::2]), "val": set(order[1::4])}
    sides["train"] = set(order) - sides["test"] - sides["val"]
    of = {k: tuple(s.slide_id for s in cohort.slides if s.patient_id in v) for k, v in sides.items()}
    first = NamedSplit(0, 0, of["train"], of["val"], of["test"])
    second = NamedSplit(0, 1, of["test"], of["val"], of["train"])
    return SplitSet((first, second), "here", "halves", sha256=cohort.source["sha256"])


def test_the_folds_of_a_file_are_those_that_are_tested(cohort, halves, small, cpu, tmp_path):
    write_splits(halves, cohort, tmp_path / "splits")
    out = tmp_path / "run"
    for split in halves.splits:
        given = {"splits": tmp_path / "splits", "fold": split.fold}
        cross_validate(small("abmil"), cohort, out=out, trainer=cpu, **given)
        with open(out / f"fold_{split.fold}" / "predictions.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["slide_id"] for row in rows if row["split"] == "test"} == set(split.test)
        assert {row["slide_id"] for row in rows if row["split"] == "val"} == set(split.val)
    plan = json.loads((out / "run.json").read_text())["plan"]
    assert (plan["splits"], plan["folds"], plan["repeats"]) == ("halves", 2, 1)


def test_a_fold_without_a_class_and_another_manifest_are_refused(cohort, halves, small, cpu, tmp_path):
    same = [s.slide_id for s in cohort.slides if s.label == "clustered"]
    one = SplitSet((NamedSplit(0, 0, tuple(same[:-2]), (same[-2],), (same[-1],)),), "here")
    with pytest.raises(
        CohortError, match=r"every class among the training slides, got none of \['scattered'\]"
    ):
        cross_validate(small("abmil"), cohort, splits=one, out=tmp_path / "run", trainer=cpu)
    other = replace(halves, sha256="ab" * 32)
    with pytest.raises(CohortError, match="splits drawn for ''"):
        cross_validate(small("abmil"), cohort, splits=other, out=tmp_path / "run", trainer=cpu)
    assert not (tmp_path / "run").exists()


def test_a_slide_scanned_twice_is_a_leak(write_cohort, small, cpu, tmp_path):
    manifest = write_cohort(tmp_path, slides=14, seed=3)
    first = Cohort.from_manifest(manifest, features=tmp_path / "features").slides[0]
    features = read_features(first.path)
    x = features.x + np.random.default_rng(0).normal(0, 0.02, features.x.shape)
    again = replace(features, slide_id="again", x=x.astype(np.float32), coords=features.coords + 7)
    write_features(tmp_path / "features" / "again.h5", again)
    with open(manifest, "a", encoding="utf-8") as file:
        file.write(f"again,somebody else,{first.label}\n")
    cohort = Cohort.from_manifest(manifest, features=tmp_path / "features", patient_col="none")
    traits, failed = traits_of_files(cohort, Silent())
    assert not failed
    rest = tuple(range(1, 14))
    check_sides([Split(0, 0, (0, 14), rest[:5], rest[5:])], cohort, traits)
    with pytest.raises(LeakError, match=f"'{first.slide_id}' in train and 'again' in test"):
        check_sides([Split(0, 0, (0, *rest[:5]), rest[5:], (14,))], cohort, traits)
    train, test = [s.slide_id for s in cohort.slides[:8]], [s.slide_id for s in cohort.slides[8:]]
    apart = SplitSet((NamedSplit(0, 0, tuple(train), (), tuple(test)),), "here")
    with pytest.raises(LeakError, match="nearly the same on one side"):
        cross_validate(small("abmil"), cohort, splits=apart, out=tmp_path / "run", trainer=cpu)


def test_traits_of_the_first_pass_are_those_of_the_files(cohort, small):
    from wsigraph.io.graph_store import GraphStore
    from wsigraph.training.build import graph_builder

    recipe = small("abmil")
    store = GraphStore(graph_builder(recipe), recipe.self_loops, recipe.in_channels)
    assert not store.scan(cohort)
    passed, (read, _) = traits_of_facts(store.facts), traits_of_files(cohort, Silent())
    for name, one in read.items():
        np.testing.assert_allclose(passed[name].mean, one.mean, atol=1e-6)
        np.testing.assert_allclose(passed[name].deviation, one.deviation, atol=1e-5)
