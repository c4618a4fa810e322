"""What metrics.json says of a run over a tree: finest classes, each level, whole lines, coarse labels."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RunError
from wsigraph.evaluation.hierarchy_summary import summarise_hierarchy
from wsigraph.evaluation.summary import summarise
from wsigraph.evaluation.tree_rows import answered_lines, tree_rows
from wsigraph.evaluation.tree_summary import summarise_tree

TASK = Hierarchy(ready_tree("bracs"))
TREE = TASK.label_tree


def rows(n=84, *, seed=0, coarse=0.25, right=0.7):
    rng, found = np.random.default_rng(seed), []
    for i in range(n):
        line = TREE.line(-1, i % 7)
        levels = []
        for at, names in enumerate(TREE.classes):
            said = line[at] if rng.random() < right else rng.integers(len(names))
            levels.append(rng.dirichlet(np.ones(len(names)) + 3 * np.eye(len(names))[said]))
        target = (line[0], -1) if rng.random() < coarse else line
        values = tuple(map(float, np.concatenate(levels[::-1])))
        split = "val" if i >= 77 else "test"
        found.append(
            Estimate(
                f"s{i:02d}", f"p{i // 2:02d}", values, tuple(map(float, target)), fold=i % 5, split=split
            )
        )
    return found


@pytest.fixture(scope="module")
def metrics():
    return summarise_hierarchy(rows(), TASK, resamples=60)


def test_the_finest_classes_are_scored_as_any_classes_on_slides_known_so_finely(metrics):
    finest = [row.levels[-1] for row in tree_rows(rows(), TASK)]
    plain = summarise(finest, TREE.names(), resamples=60)
    assert {name: metrics["slide"][name] for name in plain["slide"]} == plain["slide"]
    assert metrics["per_class"] == plain["per_class"]
    assert metrics["classes"] == list(TREE.names())


def test_lines_and_levels_are_scored_on_all_slides_as_far_as_they_are_known(metrics):
    lines = summarise_tree(tree_rows(rows(), TASK), TREE, resamples=60)
    assert metrics["slide"]["severity"] == lines["slide"]["tree"]["severity"]
    assert metrics["patient"]["hierarchical_f1"] == lines["patient"]["tree"]["hierarchical_f1"]
    assert metrics["levels"]["slide"]["group"] == lines["slide"]["levels"]["group"]
    scored = [row for row in rows() if row.split == "test"]
    counts = metrics["counts"]
    assert counts["slides"] == counts["known"]["group"] == len(scored) == 77
    assert counts["known"]["subtype"] == sum(row.target[1] >= 0 for row in scored) < 77
    assert counts["folds"] == 5


def test_the_confusion_is_of_answered_lines(metrics):
    scored = [row for row in rows() if row.split == "test" and row.target[1] >= 0]
    wanted = np.zeros((7, 7), dtype=int)
    for row, line in zip(scored, answered_lines(scored, TASK), strict=True):
        wanted[int(row.target[1]), line[1]] += 1
    assert metrics["confusion"] == wanted.tolist()
    assert np.sum(metrics["confusions"]["group"]) == 77


def test_a_cohort_labelled_coarsely_alone_is_scored_at_the_coarse_level():
    found = summarise_hierarchy(rows(coarse=1.0), TASK, resamples=20)
    assert set(found["levels"]["slide"]) == {"group"}
    assert 0.5 < found["levels"]["slide"]["group"]["accuracy"]["value"] < 1.0
    assert "accuracy" not in found["slide"]
    assert 0.0 < found["slide"]["hierarchical_f1"]["value"] < 1.0
    assert np.isnan(found["slide"]["severity"]["value"])
    assert found["per_class"] == {}
    assert found["intervals"]["resamples"] == 20


def test_nothing_known_is_refused():
    unknown = [Estimate(row.slide_id, row.patient_id, row.values) for row in rows()]
    with pytest.raises(RunError, match="with a known label, got none"):
        summarise_hierarchy(unknown, TASK)
