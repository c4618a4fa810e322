"""Answers at every level: what is scored, for whom, with which intervals, and ordered how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.labels import labels_of_names
from wsigraph.data.label_tree.prediction import TreePrediction, from_finest, tree_prediction
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.prediction import Prediction
from wsigraph.errors import LabelTreeError, RunError
from wsigraph.evaluation.intervals import draw_patients
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.summary import summarise
from wsigraph.evaluation.tree_confusion import (
    Bracket,
    coarser_confusion,
    confusion_of_lines,
    tree_confusion,
)
from wsigraph.evaluation.tree_metrics import TREE_METRICS, on_rows
from wsigraph.evaluation.tree_sample import tree_patients, tree_sample
from wsigraph.evaluation.tree_summary import level_intervals, summarise_tree, tree_intervals

TREE = ready_tree("bracs")
DEEP = LabelTree(
    ("kingdom", "group", "subtype"),
    (("x", "y"), ("a", "b", "c"), ("b1", "a1", "c1", "a2", "b2", "c2")),
    ((0, 1, 0), (1, 0, 2, 0, 1, 2)),
)


def cohort(n=60, *, seed=0, tree=TREE, coarse_only=0.2, repeat=0, slides_per_patient=2):
    """Answers of independent levels that know something of the truth."""
    rng = np.random.default_rng([seed, repeat])
    truths = np.random.default_rng(seed).integers(0, len(tree.names()), n)
    hidden = np.random.default_rng(seed + 1).random(n) < coarse_only
    rows = []
    for i, truth in enumerate(truths):
        line = tree.line(-1, int(truth))
        labels = [k if at == 0 or not hidden[i] else -1 for at, k in enumerate(line)]
        levels = []
        for at, names in enumerate(tree.classes):
            score = np.exp(rng.normal(size=len(names)) + 1.2 * (np.arange(len(names)) == line[at]))
            levels.append(score / score.sum())
        place = Prediction(f"s{i:03d}", f"p{i // slides_per_patient:03d}", (1.0,), repeat=repeat)
        rows.append(tree_prediction(place, probabilities=levels, labels=labels))
    return rows


def test_levels_are_scored_on_the_slides_that_know_them():
    rows = cohort()
    found = level_intervals(tree_sample(rows, TREE), resamples=50)
    for at, level in enumerate(TREE.levels):
        known = [row for row in rows if row.labels[at] >= 0]
        labels = np.array([row.labels[at] for row in known])
        p = np.array([row.levels[at].probabilities for row in known])
        assert {name: each.value for name, each in found[level].items()} == {
            name: pytest.approx(metric(labels, p)) for name, metric in METRICS.items()
        }
    assert sum(row.labels[1] < 0 for row in rows) > 3


def test_a_level_without_missing_labels_is_scored_as_flat_classification_is():
    rows = cohort(coarse_only=0.0)
    found = summarise_tree(rows, TREE, resamples=80, seed=4)
    flat = summarise([row.levels[1] for row in rows], TREE.names(), resamples=80, seed=4)
    assert found["slide"]["levels"]["subtype"] == flat["slide"]


def test_tree_intervals_equal_a_loop_over_patients():
    rows = cohort(seed=3)
    sample = tree_sample(rows, TREE)
    found = tree_intervals(sample, resamples=120, seed=7)
    block = sample.lines.repeats[0]
    for name, metric in TREE_METRICS.items():
        values = []
        for draw in draw_patients(30, resamples=120, seed=7).astype(int):
            index = np.repeat(np.arange(60), draw[block.patients])
            values.append(on_rows(metric)(block.labels[index], block.probabilities[index]))
        low, high = np.nanpercentile(values, [2.5, 97.5])
        assert (found[name].low, found[name].high) == (pytest.approx(low), pytest.approx(high))
        assert found[name].value == on_rows(metric)(block.labels, block.probabilities)
        assert low < found[name].value < high


def test_lines_are_the_consistent_answers_by_hand():
    place = Prediction("s0", "p0", (1.0,))
    coarse, fine = [0.70, 0.0, 0.30], [0.16, 0.16, 0.16, 0.0, 0.0, 0.52, 0.0]
    row = tree_prediction(place, probabilities=[coarse, fine], labels=TREE.line(-1, 5))
    by_sum, by_product = (tree_sample([row], TREE, rule=rule) for rule in ("sum", "product"))
    assert by_sum.lines.repeats[0].probabilities.tolist() == [[0, 0]]
    assert by_product.lines.repeats[0].probabilities.tolist() == [[2, 5]]
    assert by_sum.contradicting == by_product.contradicting == 1
    assert by_sum.lines.repeats[0].labels.tolist() == [[2, 5]]
    assert tree_intervals(by_sum)["severity"].value == 2.0


def test_repeats_are_averaged_and_add_no_patients():
    first, second = cohort(seed=5), cohort(seed=5, repeat=1)
    each = [tree_intervals(tree_sample(r, TREE), resamples=60)["severity"].value for r in (first, second)]
    both = summarise_tree(first + second, TREE, resamples=60)
    assert both["slide"]["tree"]["severity"]["value"] == pytest.approx(np.mean(each))
    assert both["counts"]["patients"] == 30
    assert both["counts"]["repeats"] == 2
    assert both["counts"]["predictions"] == 120
    assert both["counts"]["slides"]["group"] == 60


def test_only_rows_the_model_never_saw_are_scored():
    rows = cohort(20)
    seen = [
        TreePrediction(tuple(replace(level, split="val", repeat=1) for level in row.levels)) for row in rows
    ]
    assert (
        tree_sample(rows + seen, TREE).lines.repeats[0].slides
        == tree_sample(rows, TREE).lines.repeats[0].slides
    )
    assert len(tree_sample(rows + seen, TREE).lines.repeats) == 1


def labelled(slide, patient, names, fine):
    p = np.eye(7)[fine] * 0.4 + 0.6 / 7
    row = Prediction(slide, patient, tuple(p))
    return from_finest(row, TREE, labels=labels_of_names(TREE, names, where=slide))


def test_patients_keep_what_their_slides_agree_on():
    rows = [
        labelled("s1", "same", ("", "PB"), 1),
        labelled("s2", "same", ("benign", ""), 1),
        labelled("s3", "siblings", ("", "N"), 0),
        labelled("s4", "siblings", ("", "UDH"), 2),
        labelled("s5", "apart", ("", "N"), 0),
        labelled("s6", "apart", ("malignant", ""), 6),
        labelled("s7", "unknown", ("", ""), 4),
    ]
    found = {row.place.slide_id: row for row in tree_patients(rows)}
    assert {name: row.labels for name, row in found.items()} == {
        "same": (0, 1),
        "siblings": (0, -1),
        "apart": (-1, -1),
        "unknown": (-1, -1),
    }
    mean = np.mean([rows[0].levels[1].probabilities, rows[1].levels[1].probabilities], axis=0)
    np.testing.assert_allclose(found["same"].levels[1].probabilities, mean)
    told = summarise_tree(rows, TREE, resamples=20)
    assert told["counts"]["slides"] == {"group": 6, "subtype": 4}
    assert told["patient"]["levels"]["subtype"]["accuracy"]["value"] == 1.0  # of one patient: "same"


def test_from_finest_sums_upwards_and_knows_the_line():
    p = (0.1, 0.2, 0.05, 0.05, 0.1, 0.3, 0.2)
    row = from_finest(Prediction("s", "p", p, label=4, fold=2), TREE)
    np.testing.assert_allclose(row.levels[0].probabilities, [0.35, 0.15, 0.5])
    assert row.levels[1].probabilities == pytest.approx(p)
    assert row.labels == (1, 4)
    assert from_finest(Prediction("s", "p", p), TREE).labels == (-1, -1)


def test_three_levels_go_all_the_way():
    rows = cohort(80, tree=DEEP, coarse_only=0.3)
    found = summarise_tree(rows, DEEP, resamples=30)
    assert list(found["slide"]["levels"]) == list(DEEP.levels)
    assert 0 < found["slide"]["tree"]["severity"]["value"] < 3
    for at, level in enumerate(DEEP.levels):
        assert np.sum(found["confusion"][level]) == sum(row.labels[at] >= 0 for row in rows)


def test_levels_with_nothing_to_score_are_left_out():
    rows = cohort(20, coarse_only=1.0)
    found = summarise_tree(rows, TREE, resamples=20)
    assert list(found["slide"]["levels"]) == ["group"]
    assert np.isnan(found["slide"]["tree"]["severity"]["value"])
    assert found["slide"]["tree"]["hierarchical_recall"]["value"] > 0.3


@pytest.mark.parametrize("tree", [TREE, DEEP], ids=["bracs", "deep"])
def test_blocks_of_the_finest_confusion_are_the_coarser_confusion(tree):
    lines = tree_sample(cohort(90, tree=tree, coarse_only=0.0), tree).lines
    fine = confusion_of_lines(lines, tree)
    assert fine.sum() == 90
    for at, level in enumerate(tree.levels):
        wanted = np.zeros((len(tree.classes[at]),) * 2, dtype=int)
        for t, a in zip(lines.repeats[0].labels, lines.repeats[0].probabilities, strict=True):
            wanted[t[at], a[at]] += 1
        np.testing.assert_array_equal(coarser_confusion(fine, tree, to=level), wanted)
        np.testing.assert_array_equal(confusion_of_lines(lines, tree, level=level), wanted)


def test_confusion_in_the_order_of_the_tree():
    counts = np.arange(36).reshape(6, 6)
    found = tree_confusion(counts, DEEP)
    assert found.classes == ("a1", "a2", "c1", "c2", "b1", "b2")
    assert found.order == (1, 3, 2, 5, 0, 4)
    for i, true in enumerate(found.order):
        for j, answered in enumerate(found.order):
            assert found.counts[i, j] == counts[true, answered]
    assert found.groups == (
        ("group", (Bracket("a", 0, 2), Bracket("c", 2, 4), Bracket("b", 4, 6))),
        ("kingdom", (Bracket("x", 0, 4), Bracket("y", 4, 6))),
    )
    flat = tree_confusion(np.eye(2), DEEP, level="kingdom")
    assert flat.groups == ()
    with pytest.raises(RunError, match=r"level 'group': expected shape \[3, 3\], got \[6, 6\]"):
        tree_confusion(counts, DEEP, level="group")


PLACE = Prediction("s", "p", (1.0,))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TreePrediction(()), "an answer per level, got none"),
        (
            lambda: TreePrediction((PLACE, replace(PLACE, slide_id="t"))),
            "TreePrediction 's': expected levels of one slide",
        ),
        (
            lambda: tree_prediction(PLACE, probabilities=[(0.5, 0.5), (1.0,)], labels=(-1, 0)),
            r"no label below an unknown one, got \[-1, 0\]. Fill labels upwards",
        ),
        (
            lambda: tree_sample([tree_prediction(PLACE, probabilities=[(0.5, 0.5)], labels=[0])], TREE),
            r"'s': expected \[3, 7\] probabilities at the levels \['group', 'subtype'\], got \[2\]",
        ),
        (
            lambda: tree_sample(
                [tree_prediction(PLACE, probabilities=[np.eye(3)[0], np.eye(7)[0]], labels=[1, 0])], TREE
            ),
            r"'s': expected labels of one line of the tree, got \[1, 0\]",
        ),
        (lambda: tree_sample(cohort(4) + cohort(4), TREE), "one row per slide and repeat"),
        (lambda: tree_sample([], TREE), "with a known label, got none"),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(RunError, match=said):
        make()


def test_an_unknown_rule_is_refused():
    with pytest.raises(LabelTreeError, match="a rule of"):
        summarise_tree(cohort(4), TREE, rule="vote")
