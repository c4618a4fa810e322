"""A folder of made-up cells in numbers, against other ways to count them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.family import compare_family
from wsigraph.io.atomic import json_text
from wsigraph.pipelines.benchmark import read_results
from wsigraph.pipelines.benchmark.summary import summarise

R = 60


def area(rows):
    """AUC of class 1, pair by pair."""
    said = [(row.probabilities[1], row.label) for row in rows]
    return np.mean([(p > n) + 0.5 * (p == n) for p, a in said if a for n, b in said if not b])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("made_up")


@pytest.fixture
def space(folder, made_up):
    """A cohort on which space helps: graphs know more, their controls do not."""
    if not (folder / "cells").exists():
        made_up.write(folder, made_up.cells("space", made_up.skills(3.0, 0.9), patients=40))
    return folder


def test_methods_are_chosen_by_validation_and_never_by_test(tmp_path, made_up):
    """The worst of each kind has the lowest validation loss here."""
    cells = made_up.cells("c", made_up.skills(3.0, 0.9), patients=24, seeds=(0,))
    for cell in cells:
        if (cell["recipe"], cell["control"]) in (("transmil", "none"), ("srmil", "none")):
            cell["val_loss"] = 0.01
        if cell["control"] != "none":
            cell["val_loss"] = 0.001  # a control is never a candidate
    (found,) = summarise(made_up.write(tmp_path, cells), resamples=R).cohorts
    assert (found.best_set, found.best_graph) == ("transmil", "srmil")
    assert (found.gain.a, found.gain.b) == ("srmil", "transmil")
    values = {one.name: one.value for one in found.methods if one.plain}
    assert values["srmil"] < values["gcn"]
    assert {name: (one.a, one.b) for name, one in found.controls.items()} == {
        name: ("srmil", f"srmil+{name}") for name in ("edgeless", "feature_knn", "random_degree", "shuffled")
    }


def test_values_and_differences_are_those_counted_otherwise(space):
    (found,) = summarise(space, resamples=R).cohorts
    answers = read_results(space).answers("space")
    for name in ("gcn", "abmil", "gin+shuffled"):
        each = [area([row for row in answers[name] if row.repeat == seed]) for seed in (0, 1)]
        assert found.method(name).per_seed == pytest.approx(each)
        assert found.method(name).value == pytest.approx(np.mean(each))
    graphs = [one.a for one in found.family]
    assert sorted(graphs) == ["gcn", "gin", "patchgcn", "srmil"]
    alone = compare_family(answers, [(name, "abmil") for name in graphs], resamples=R)
    for one, other in zip(found.family, alone, strict=True):
        assert (one.value, one.low, one.high) == (other.found.difference, other.found.low, other.found.high)
        assert (one.p_value, one.holm_p) == (other.found.p_value, other.holm_p)
        assert one.per_seed == pytest.approx(other.per_seed)
    (pair,) = (one for one in found.controlled if one.a == "gin+shuffled")
    (same,) = compare_family(answers, [("gin+shuffled", "abmil")], resamples=R)
    assert (pair.value, pair.low, pair.high) == (same.found.difference, same.found.low, same.found.high)
    assert found.verdict.answer == "yes"


def test_a_gain_that_survives_shuffling_is_not_space(tmp_path, made_up):
    cells = made_up.cells("c", made_up.skills(3.0, 3.0), patients=40)
    (found,) = summarise(made_up.write(tmp_path, cells), resamples=R).cohorts
    assert found.verdict.answer == "gain, but not from space"
    assert "shuffled" in found.verdict.survives


def test_costs_seeds_and_calibration(tmp_path, made_up):
    cells = made_up.cells("c", {"abmil": 1.0, "gcn": 1.2}, patients=24, seeds=(0, 1, 2))
    gcn = [cell for cell in cells if cell["recipe"] == "gcn"]
    for cell, seconds, memory in zip(gcn, (9.0, None, 3.0, 4.0), (None, 5, 70, 6), strict=False):
        cell |= {"cpu_seconds": seconds, "peak_memory": memory}
    cells = [c for c in cells if not (c["recipe"] == "abmil" and c["seed"] == 2 and c["fold"] == 1)]
    (found,) = summarise(made_up.write(tmp_path, cells), resamples=R).cohorts
    assert found.seeds == (0, 1)
    assert found.finished == {"abmil": (0, 1), "gcn": (0, 1, 2)}
    one = found.method("gcn")
    assert (one.cpu_seconds, one.peak_memory, one.parameters, len(one.cells)) == (4.0, 70, 2000, 4)
    assert math.isnan(found.method("abmil").peak_memory)
    rows = read_results(tmp_path).answers("c")["gcn"]
    distance = [(row.probabilities[1] - row.label) ** 2 * 2 for row in rows]
    assert one.brier == pytest.approx(np.mean(distance))


def test_of_three_classes_macro_auc_unless_a_class_is_lacking(tmp_path, made_up):
    cells = made_up.cells("c", {"abmil": 1.0, "gcn": 1.2}, patients=24, seeds=(0,), classes=3)
    (found,) = summarise(made_up.write(tmp_path / "a", cells), resamples=R).cohorts
    assert (found.metric, found.classes) == ("auc", 3)
    for cell in cells:
        cell["rows"] = [row for row in cell["rows"] if row["label"] < 2]
    (found,) = summarise(made_up.write(tmp_path / "b", cells), resamples=R).cohorts
    assert (found.metric, found.classes) == ("balanced_accuracy", 3)
    rows = read_results(tmp_path / "b").answers("c")["gcn"]
    hits = [[row.pred == k for row in rows if row.label == k] for k in (0, 1)]
    assert found.method("gcn").value == pytest.approx(np.mean([np.mean(h) for h in hits]))


def test_estimates_have_a_difference_and_no_verdict(tmp_path, made_up):
    """Regression: R squared."""
    cells = made_up.cells("c", {"abmil": 1.0, "gcn": 3.0}, patients=24, seeds=(0,))
    for cell in cells:
        cell["settings"] = {"task": {"name": "regression"}}
        for row in cell["rows"]:
            row |= {"values": [row.pop("probabilities")[1]], "target": [float(row.pop("label"))]}
    (found,) = summarise(made_up.write(tmp_path, cells), resamples=R).cohorts
    assert (found.metric, found.classes, found.verdict) == ("r2", 0, None)
    rows = read_results(tmp_path).answers("c")
    truth = np.array([row.target[0] for row in rows["gcn"]])
    r2 = [
        1
        - np.square(truth - [row.values[0] for row in rows[name]]).sum()
        / np.square(truth - truth.mean()).sum()
        for name in ("gcn", "abmil")
    ]
    assert found.gain.value == pytest.approx(r2[0] - r2[1])
    assert found.sentence.startswith("Not asked: verdicts are given of classes only")


def test_set_methods_alone_are_told_and_not_judged(tmp_path, made_up):
    cells = made_up.cells("c", {"max_pool": 1.0, "mean_pool": 1.2}, patients=24, seeds=(0,))
    (found,) = summarise(made_up.write(tmp_path, cells), resamples=R).cohorts
    assert (found.best_graph, found.gain, found.verdict, found.family) == (None, None, None, ())
    assert found.partner == "max_pool"
    assert found.sentence.startswith("Not asked: there is no graph method")


def test_ranks_are_of_real_and_of_made_up_cohorts_apart(tmp_path, made_up):
    orders = {"a": (1, 2, 4), "b": (2, 1, 4), "x": (4, 2, 0.5), "y": (4, 2, 0.5)}
    for name, skill in orders.items():
        skills = dict(zip(("abmil", "mean_pool", "gcn"), skill, strict=True))
        skills |= {"extra" + name: 1.0}  # ranked nowhere: no other cohort has it
        made_up.write(tmp_path, made_up.cells(name, skills, seeds=(0,), patients=60, synthetic=name > "m"))
    found = summarise(tmp_path, resamples=R)
    assert [one.name for one in found.cohorts] == ["a", "b", "x", "y"]
    real = dict(zip(found.ranks["real"].methods, found.ranks["real"].ranks, strict=True))
    assert real == {"gcn": 1.0, "abmil": 2.5, "mean_pool": 2.5}
    assert found.ranks["synthetic"].methods == ("abmil", "mean_pool", "gcn")
    assert found.cohorts[2].title == "x (synthetic)"


def test_contests_on_the_same_slides_are_ranked_once(tmp_path, made_up):
    for name in ("a", "b", "c"):
        cells = made_up.cells(name, {"abmil": 1.0, "gcn": 3.0}, seeds=(0,), patients=24)
        made_up.write(tmp_path, [{**cell, "slides_sha256": "same" if name < "c" else "c"} for cell in cells])
    found = summarise(tmp_path, resamples=R)
    assert (len(found.cohorts), found.ranks["real"].blocks) == (3, 2)


def test_a_cohort_of_set_methods_alone_takes_no_rank_from_the_others(tmp_path, made_up):
    for name in ("a", "b"):
        made_up.write(tmp_path, made_up.cells(name, {"abmil": 1.0, "gcn": 3.0}, seeds=(0,), patients=24))
    bags = made_up.cells("bags", {"abmil": 1.0, "dsmil": 3.0}, seeds=(0,), patients=24)
    found = summarise(made_up.write(tmp_path, bags), resamples=R)
    assert (found.ranks["real"].methods, found.ranks["real"].blocks) == (("gcn", "abmil"), 2)


def test_few_patients_are_told(tmp_path, made_up):
    for name, patients in (("few", 18), ("more", 20)):
        skills = {"abmil": 1.0, "gcn": 3.0}
        made_up.write(tmp_path, made_up.cells(name, skills, seeds=(0,), patients=patients))
    few, more = summarise(tmp_path, resamples=R).cohorts
    assert few.sentence.endswith("Intervals from 18 patients are too narrow.")
    assert more.sentence == more.verdict.sentence


def test_curves_where_there_are_shares(tmp_path, made_up):
    for share in (0.25, 1.0):
        cells = made_up.cells("c", {"abmil": 1.0, "gcn": 3.0}, patients=24, seeds=(0, 1), share=share)
        made_up.write(tmp_path, cells)
    (found,) = summarise(tmp_path, resamples=R).cohorts
    assert {name: [point.share for point in points] for name, points in found.curves.items()} == {
        "abmil": [0.25, 1.0],
        "gcn": [0.25, 1.0],
    }
    few = [row for row in read_results(tmp_path).curve("c", "gcn")[0.25] if row.repeat == 1]
    assert found.curves["gcn"][0].per_seed[1] == pytest.approx(area(few))
    (gain,) = found.fewer[0.25]
    apart = found.curves["gcn"][0].found.value - found.curves["abmil"][0].found.value
    assert (gain.a, gain.b, gain.value) == ("gcn", "abmil", pytest.approx(apart))
    assert gain.low < gain.value < gain.high


def test_failures_and_unfinished_cohorts_are_named(space, tmp_path, made_up):
    half = [cell for cell in made_up.cells("half", {"abmil": 1.0}, patients=8, seeds=(0,)) if cell["fold"]]
    made_up.write(tmp_path, half)
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "half-gcn.json").write_text(json.dumps({"reason": "ValueError: no"}))
    found = summarise(tmp_path, resamples=R)
    assert (found.cohorts, found.unfinished) == ((), ("half",))
    assert found.failed == {"half-gcn": "ValueError: no"}
    assert (
        summarise(tmp_path, names=[f.stem for f in (tmp_path / "cells").iterdir()], resamples=R).failed == {}
    )


def test_what_is_refused(tmp_path, made_up):
    with pytest.raises(RunError, match="expected at least one finished cell, got none"):
        summarise(tmp_path)
    cells = made_up.cells("c", {"abmil": 1.0}, patients=8, seeds=(0,))
    del cells[0]["val_loss"]
    with pytest.raises(RunError, match=r"Cell 'c-abmil-seed0-fold0-0123': expected an entry 'val_loss'"):
        summarise(made_up.write(tmp_path, cells))


def test_the_summary_is_plain_values(space):
    found = summarise(space, resamples=R)
    told = json.loads(json_text(found.to_dict()))
    one = told["cohorts"]["space"]
    assert one["methods"]["gcn"]["value"] == found.cohorts[0].method("gcn").value
    assert one["verdict"]["answer"] == "yes"
    assert one["gain"]["per_seed"] == list(found.cohorts[0].gain.per_seed)
    assert one["methods"]["abmil"]["peak_memory"] is None
