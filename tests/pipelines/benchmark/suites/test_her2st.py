"""Contests of patches: spots and their neighbours, who is left out, and every known spot answered once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.node_labels import NodeLabels
from wsigraph.errors import CohortError, RecipeError, RunError
from wsigraph.graph.build import to_graph
from wsigraph.pipelines.benchmark import BenchmarkPlan, run_benchmark
from wsigraph.pipelines.benchmark.ready import make_ready
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites.her2st import (
    CLASSES,
    FILE,
    IN_CHANNELS,
    leave_one_out,
    read_sections,
)
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import recipe

KINDS = ("invasive cancer", "cancer in situ", "breast glands", "undetermined")
SHORT = {"optimiser.epochs": 1, "encoder.hidden_channels": 8}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three synthetic sections of three made-up patients in the file's layout; a spot is missing in each."""
    rng, rows = np.random.default_rng(0), []
    for patient in "ABC":
        cells = [(x, y) for x in range(9, 13) for y in range(3, 8) if (x, y) != (10, 5)]
        rows += [(patient, f"{x}x{y}", KINDS[(x + y) % 4]) for x, y in cells]
    patient, spot, label = (np.array(column) for column in zip(*rows, strict=True))
    folder = tmp_path_factory.mktemp("synthetic") / "her2st"
    folder.mkdir()
    held = {"section": np.char.add(patient, "1"), "patient": patient, "spot": spot, "label": label}
    np.savez(folder / FILE, x=rng.standard_normal((len(rows), IN_CHANNELS)).astype(np.float16), **held)
    return folder / FILE


@pytest.fixture
def contest(source, tmp_path):
    wish = Wish(tmp_path / "work", source.parents[1], recipes=("abmil", "gcn"), changes=SHORT)
    return suite("her2st").contests(wish)[0]


def test_spots_keep_their_places_and_what_a_pathologist_said(source):
    found = list(read_sections(source))
    assert [(bag.features.slide_id, bag.patient_id) for bag, _ in found] == [
        ("A1", "A"),
        ("B1", "B"),
        ("C1", "C"),
    ]
    for bag, labels in found:
        for name, (x, y), target in zip(labels.names, bag.features.coords + 50, labels.targets, strict=True):
            across, down = map(int, name.split("x"))
            assert (x, y) == (200 * across, 200 * down)  # centres of spots, on the array
            assert target == (1, 1, 0, -1)[(across + down) % 4]


def test_neighbours_are_the_eight_around_a_spot(source, contest):
    (bag, labels), *_ = read_sections(source)
    graph = to_graph(bag.features, graph_builder(contest.recipes["gcn"]))
    cells = [tuple(map(int, name.split("x"))) for name in labels.names]
    wanted = {
        (i, j)
        for i, a in enumerate(cells)
        for j, b in enumerate(cells)
        if i != j and max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1
    }
    assert set(map(tuple, graph.edge_index.as_tensor().T.tolist())) == wanted


def test_a_patient_stands_on_one_side_and_the_next_one_chooses():
    splits = leave_one_out({"A1": "A", "A2": "A", "B1": "B", "C1": "C", "D1": "D"}).splits
    assert [(one.test, one.val, one.train) for one in splits] == [
        (("A1", "A2"), ("B1",), ("C1", "D1")),
        (("B1",), ("C1",), ("A1", "A2", "D1")),
        (("C1",), ("D1",), ("A1", "A2", "B1")),
        (("D1",), ("A1", "A2"), ("B1", "C1")),
    ]


def test_every_known_spot_is_answered_once_by_a_network_that_never_saw_its_patient(contest, tmp_path, cpu):
    plan = BenchmarkPlan((contest,), seeds=(3,), code="1")
    result = run_benchmark(plan, out=tmp_path / "out", trainer=cpu)
    assert (result.done, result.failed) == (6, {})
    cells = [json.loads(file.read_text()) for file in sorted((tmp_path / "out" / "cells").glob("*.json"))]
    for method in ("abmil", "gcn"):
        mine = [cell for cell in cells if cell["recipe"] == method]
        rows = {row["slide_id"]: row for cell in mine for row in cell["rows"]}
        assert len(rows) == sum(len(cell["rows"]) for cell in mine)
        wanted = {
            f"{slide}_{name}": int(target)
            for slide, labels in contest.nodes.items()
            for name, target in zip(labels.names, labels.targets, strict=True)
            if target >= 0
        }
        assert {name: row["label"] for name, row in rows.items()} == wanted
        assert all(name.startswith(f"{row['patient_id']}1_") for name, row in rows.items())
        assert {(row["repeat"], row["split"]) for row in rows.values()} == {(3, "test")}
    assert {cell["num_train"] for cell in cells} == {1}


def test_labels_that_cannot_be_are_refused(contest):
    plan = BenchmarkPlan((contest,), seeds=(0,), code="1")
    ready = make_ready(contest, plan, Silent())
    first = contest.nodes["A1"]
    other = {**contest.nodes, "A1": replace(first, targets=np.where(first.targets == 1, 0, first.targets))}
    assert make_ready(replace(contest, nodes=other), plan, Silent()).digest != ready.digest
    short = {**contest.nodes, "A1": NodeLabels(first.names[1:], first.targets[1:])}
    with pytest.raises(
        RunError, match="Patch labels of slide 'A1': expected one for each of 19 patches, got 18"
    ):
        make_ready(replace(contest, nodes=short), plan, Silent())
    alike = {name: replace(one, targets=np.minimum(one.targets, 0)) for name, one in contest.nodes.items()}
    with pytest.raises(CohortError, match="at least 2 classes of patches, got 1"):
        make_ready(replace(contest, nodes=alike), plan, Silent())
    with pytest.raises(RunError, match=r"labels of the patches of every slide, got none of 2 .first 'B1'"):
        replace(contest, nodes={"A1": first})
    with pytest.raises(RunError, match="given splits, got none"):
        replace(contest, splits=None)
    with pytest.raises(CohortError, match=r"targets of shape \[1\], got \[2\]"):
        NodeLabels(("a",), np.zeros(2, np.int64))
    with pytest.raises(CohortError, match="each name once, got 1 of 2 again"):
        NodeLabels(("a", "a"), np.zeros(2, np.int64))
    clam = {"clam_sb": recipe("clam_sb", in_channels=IN_CHANNELS, classes=CLASSES)}
    with pytest.raises(RecipeError, match="'clam_sb', asked about patches"):
        make_ready(replace(contest, recipes=clam), plan, Silent())


@pytest.mark.real
def test_the_real_sections(real_data):
    found = list(read_sections(real_data / "her2st" / FILE))
    counts = {
        bag.patient_id: (len(labels), int((labels.targets == 1).sum()), len(labels.known))
        for bag, labels in found
    }
    assert counts == {
        "A": (346, 303, 341),
        "B": (295, 63, 269),
        "C": (176, 127, 167),
        "D": (306, 139, 255),
        "E": (587, 340, 534),
        "F": (691, 577, 659),
    }
    for bag, _ in found:
        apart = np.abs(np.diff(np.unique(bag.features.coords[:, 0])))
        assert apart.min() == 200
