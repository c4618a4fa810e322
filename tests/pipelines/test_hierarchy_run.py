"""A label tree from manifest to report: coarse labels used, levels that never contradict, any depth."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import wsigraph as wg
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RecipeError, RunError
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.predict import predict_files
from wsigraph.synthetic.hierarchy import synthetic_tree

DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e")}}, levels=("top", "mid", "leaf")
)
SMALL = {
    "encoder.hidden_channels": 16,
    "heads.fine.embed_channels": 16,
    "optimiser.lr": 3e-3,
    "optimiser.epochs": 16,
    "sampler.slides_per_step": 4,
}


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=["two levels", "three levels"])
def run(request, tmp_path_factory, cpu, write_tree_cohort):
    """HMIL on a synthetic cohort, a sixth of it labelled coarsely; nobody may change it."""
    tree = synthetic_tree() if request.param == "two levels" else DEEP
    folder = tmp_path_factory.mktemp("hierarchy")
    manifest = write_tree_cohort(folder, tree, slides=56, coarse_only=0.15)
    task = Hierarchy(tree, target_col=",".join(tree.levels))
    cohort = Cohort.from_manifest(manifest, features=folder / "features", task=task)
    method = wg.recipe("hmil", in_channels=16, task=task).with_settings(SMALL)
    result = cross_validate(method, cohort, folds=2, out=folder / "run", trainer=cpu)
    return folder, cohort, result


def test_signal_is_found_at_every_level(run):
    _, cohort, result = run
    tree, levels = cohort.task.label_tree, result.metrics["levels"]["slide"]
    assert list(levels) == list(tree.levels)
    assert levels[tree.levels[0]]["accuracy"]["value"] > 0.75
    assert levels[tree.levels[-1]]["accuracy"]["value"] > 0.45  # chance is 1 in 5 or 7
    cell = result.metrics["slide"]["severity"]
    assert cell["low"] < cell["value"] < cell["high"]
    assert 0.0 < cell["value"] < 1.0
    assert result.metrics["slide"]["hierarchical_f1"]["value"] > 0.6


def test_slides_labelled_coarsely_are_used_and_scored_as_far_as_they_are_known(run):
    _, cohort, result = run
    assert cohort.left_out == {}
    coarse = [s.slide_id for s in cohort.slides if s.target[-1] < 0]
    assert len(coarse) == round(0.15 * 56)
    tested = {r["slide_id"]: r for r in table(result.path / "predictions.csv") if r["split"] == "test"}
    assert set(tested) == {slide.slide_id for slide in cohort.slides}
    assert all(tested[name]["label"] == "" for name in coarse)
    assert all(tested[name][f"label_{cohort.task.label_tree.levels[0]}"] for name in coarse)
    known = result.metrics["counts"]["known"]
    levels = cohort.task.label_tree.levels
    assert (known[levels[0]], known[levels[-1]]) == (56, 56 - len(coarse))


def test_predictions_hold_every_level_and_never_contradict_themselves(run):
    _, cohort, result = run
    tree = cohort.task.label_tree
    for file in ("predictions.csv", "patients.csv", "fold_0/predictions.csv"):
        rows = table(result.path / file)
        assert rows
        for row in rows:
            line = tree.line(-1, tree.index(-1, row["pred"]))
            assert [row[f"pred_{level}"] for level in tree.levels[:-1]] == [
                names[k] for names, k in zip(tree.classes, line[:-1], strict=False)
            ]
            total = sum(float(row[f"prob_{name}"]) for name in tree.names())
            assert total == pytest.approx(1.0, abs=1e-6)
            for level, names in zip(tree.levels[:-1], tree.classes, strict=False):
                assert sum(float(row[f"{level}_prob_{name}"]) for name in names) == pytest.approx(
                    1.0, abs=1e-6
                )


def test_the_report_shows_levels_lines_and_the_grouped_matrix(run):
    _, cohort, result = run
    page = (result.path / "report.html").read_text(encoding="utf-8")
    assert "Levels of the label tree" in page
    assert "Hierarchical F1" in page
    assert "grouped by the label tree" in page
    assert (result.path / "confusion.png").is_file()
    metrics = json.loads((result.path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["task"] == "hierarchy"
    assert np.sum(metrics["confusion"]) == metrics["counts"]["known"][cohort.task.label_tree.levels[-1]]


def test_its_own_slides_are_answered_out_of_fold_and_others_by_the_mean(run, write_tree_cohort, tmp_path):
    _, cohort, result = run
    files = [slide.path for slide in cohort.slides[:3]]
    _, rows, failed = predict_files(result.path, files)
    assert failed == {}
    own = {r["slide_id"]: r for r in table(result.path / "predictions.csv") if r["split"] == "test"}
    first = cohort.task.label_tree.names()[0]
    for row in rows:
        assert row.values[0] == pytest.approx(float(own[row.slide_id][f"prob_{first}"]), abs=1e-5)
    other = write_tree_cohort(tmp_path, cohort.task.label_tree, slides=7, coarse_only=0.0, seed=9)
    renamed = tmp_path / "features" / "new.h5"
    (tmp_path / "features" / "synthetic_000.h5").rename(renamed)
    _, (row,), _ = predict_files(result.path, [renamed])
    assert row.split == "external"
    assert len(row.values) == sum(len(names) for names in cohort.task.label_tree.classes)
    assert other.is_file()


def test_an_external_cohort_may_be_labelled_coarsely_alone(run, write_tree_cohort, tmp_path):
    _, cohort, result = run
    tree = cohort.task.label_tree
    manifest = write_tree_cohort(tmp_path, tree, slides=12, coarse_only=0.0, seed=4)
    rows = table(manifest)
    with open(tmp_path / "coarse.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["slide_id", "patient_id", "label"])
        for row in rows:
            (tmp_path / "features" / f"{row['slide_id']}.h5").rename(
                tmp_path / "features" / f"x{row['slide_id']}.h5"
            )
            writer.writerow([f"x{row['slide_id']}", f"x{row['patient_id']}", row[tree.levels[0]]])
    other = Cohort.from_manifest(
        tmp_path / "coarse.csv", features=tmp_path / "features", task=Hierarchy(tree)
    )
    metrics, failed = evaluate_run(result.path, cohort=other)
    assert failed == {}
    assert set(metrics["levels"]["slide"]) == {tree.levels[0]}
    assert metrics["levels"]["slide"][tree.levels[0]]["accuracy"]["value"] > 0.6
    flipped = tree_from_dict({"z": tree.names()}, levels=("one", tree.levels[-1]))
    again = replace(other, task=Hierarchy(flipped))
    with pytest.raises(RunError, match="a cohort read over its label tree, got another"):
        evaluate_run(result.path, cohort=again)


def test_recipe_and_cohort_must_have_one_tree(run, tmp_path, cpu):
    _, cohort, _ = run
    tree = cohort.task.label_tree
    other = Hierarchy(tree_from_dict({"z": tree.names()}, levels=("one", "leaf")))
    method = wg.recipe("abmil", in_channels=16, task=other)
    with pytest.raises(RecipeError, match="a cohort read over the same label tree, got another"):
        cross_validate(method, cohort, folds=2, out=tmp_path, trainer=cpu)
