"""Answers over a tree on disk: names at every level, lines that never contradict, and what is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RunError
from wsigraph.evaluation.tree_rows import answered_lines, patients_of_tree, tree_row
from wsigraph.io.tree_answers import read_tree_answers, write_tree_answers

BRACS = Hierarchy(ready_tree("bracs"))
DEEP = Hierarchy(
    tree_from_dict(
        {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e")}}, levels=("top", "mid", "leaf")
    )
)


def draw(task, n=12, *, seed=0):
    rng, rows, tree = np.random.default_rng(seed), [], task.label_tree
    for i in range(n):
        levels = [rng.dirichlet(np.full(len(names), 0.5)) for names in reversed(tree.classes)]
        line = tree.line(-1, i % len(tree.names()))
        known = line if i % 4 else (*line[:1], *(-1,) * (tree.num_levels - 1))
        target = () if i % 5 == 4 else tuple(map(float, known))
        values = tuple(float(p) for level in levels for p in level)
        rows.append(Estimate(f"s{i:02d}", f"p{i // 2}", values, target, repeat=i % 2, fold=i % 3))
    return rows


def read(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("task", [BRACS, DEEP], ids=["bracs", "deep"])
def test_rows_make_the_round_trip(task, tmp_path):
    rows = draw(task)
    write_tree_answers(tmp_path / "a.csv", rows, task)
    assert read_tree_answers(tmp_path / "a.csv", task) == rows


def test_a_person_reads_names_at_every_level(tmp_path):
    values = (0.05, 0.05, 0.0, 0.1, 0.5, 0.2, 0.1, 0.2, 0.3, 0.5)  # ADH of the fine, malignant of the coarse
    write_tree_answers(tmp_path / "a.csv", [Estimate("s", "p", values, (1.0, -1.0))], BRACS)
    (row,) = read(tmp_path / "a.csv")
    assert list(row)[:8] == ["slide_id", "patient_id", "repeat", "fold", "split", "label", "pred", "prob_N"]
    assert list(row)[-3:] == ["group_prob_benign", "group_prob_atypical", "group_prob_malignant"]
    assert (row["label"], row["label_group"]) == ("", "atypical")
    assert (row["pred"], row["pred_group"]) == ("ADH", "atypical")  # .5 + .3 against .2 + .5
    assert (row["prob_ADH"], row["group_prob_malignant"]) == ("0.5", "0.5")


@pytest.mark.parametrize("task", [BRACS, DEEP], ids=["bracs", "deep"])
def test_levels_never_contradict_each_other(task, tmp_path):
    rows, tree = draw(task, 60, seed=1), task.label_tree
    write_tree_answers(tmp_path / "a.csv", rows, task)
    found = read(tmp_path / "a.csv")
    for row in found:
        line = tree.line(-1, tree.index(-1, row["pred"]))
        said = [row[f"pred_{level}"] for level in tree.levels[:-1]]
        assert said == [names[k] for names, k in zip(tree.classes, line[:-1], strict=False)]
    own = [
        [
            max(range(len(level.probabilities)), key=level.probabilities.__getitem__)
            for level in tree_row(r, task).levels
        ]
        for r in rows
    ]
    assert (answered_lines(rows, task) != np.array(own)).any()  # taken one by one, some do


def test_slides_of_a_patient_are_averaged_and_known_as_far_as_they_agree():
    even = (0.1,) * 5 + (0.25, 0.25) + (0.2, 0.3, 0.5)
    other = (0.3,) * 1 + (0.0,) * 4 + (0.35, 0.35) + (0.4, 0.3, 0.3)
    rows = [Estimate("s1", "p", even, (0.0, 1.0)), Estimate("s2", "p", other, (0.0, 2.0))]
    (found,) = patients_of_tree(rows, BRACS)
    assert found.slide_id == found.patient_id == "p"
    assert found.target == (0.0, -1.0)  # two benign subtypes
    np.testing.assert_allclose(found.values, (np.array(even) + other) / 2)


def test_what_was_cut_or_edited_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    write_tree_answers(file, draw(BRACS, 3), BRACS)
    good = file.read_text(encoding="utf-8")
    header, first, *rest = good.splitlines()

    def refused(text, sentence):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(RunError, match=sentence):
            read_tree_answers(file, BRACS)

    refused("\n".join([header, first[:-5].rsplit(",", 1)[0], *rest]), "row 2: expected 19 cells, got 18")
    refused(good.replace("label_group", "label_grade"), "expected columns slide_id")
    said = first.split(",")[6]
    other = "IC" if said != "IC" else "N"
    refused(good.replace(f",{said},", f",{other},", 1), "row 2: expected the answer .* of its probabilities")
    cells = first.split(",")
    cells[5] = "LCIS"
    refused("\n".join([header, ",".join(cells), *rest]), "level 'subtype': expected a class of .*'LCIS'")
    cells = first.split(",")
    cells[7] = "x"
    refused("\n".join([header, ",".join(cells), *rest]), "row 2: expected numbers")
    with pytest.raises(RunError, match="Estimate 's': expected 10 probabilities and 2 labels, got 3 and 2"):
        write_tree_answers(file, [Estimate("s", "p", (1.0, 0.0, 0.0), (0.0, 0.0))], BRACS)
