"""The glands, their official folds and the paper's edges, against the file read in another way."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.given import Given
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark import BenchmarkPlan
from wsigraph.pipelines.benchmark.ready import make_ready
from wsigraph.pipelines.benchmark.suite import Wish, suite
from wsigraph.pipelines.benchmark.suites.gg_pt1 import FILE, official_splits, read_glands
from wsigraph.pipelines.reporter import Silent


@pytest.fixture
def folder(tmp_path):
    """Eight made-up glands of four images in the layout of the real ones; nuclei on a line."""
    rng, sizes = np.random.default_rng(0), [4, 5, 6, 4, 5, 6, 4, 5]
    nodes, total = np.concatenate([[0], np.cumsum(sizes)]), sum(sizes)
    away = [(np.arange(n), (np.arange(n) + 1) % n) for n in sizes]
    sides = np.array(["test", "val", "train", "train"])
    held = {
        "x": rng.random((total, 33)).astype(np.float32),
        "pos_um": np.concatenate([np.stack([np.arange(n) * 7.04, np.zeros(n)], axis=1) for n in sizes]),
        "ptr": nodes,
        "edge_index_paper": np.concatenate([np.stack(pair) for pair in away], axis=1),
        "edge_ptr": nodes,
        "y": np.arange(8) % 2,
        "graph_id": np.array([f"g{i}" for i in range(8)]),
        "image_id": np.array([f"img{i // 2}" for i in range(8)]),
        "split": np.stack([np.roll(sides, fold)[np.arange(8) // 2] for fold in range(4)], axis=1),
    }
    (tmp_path / "gg_pt1").mkdir()
    np.savez(tmp_path / "gg_pt1" / FILE, **held)
    return tmp_path


def test_both_contests_hold_the_same_glands_on_their_own_edges(folder, tmp_path):
    contests = suite("gg_pt1").contests(Wish(tmp_path / "work", folder, recipes=("abmil", "gin")))
    assert [c.name for c in contests] == ["gg_pt1_knn", "gg_pt1_paper"]
    assert [c.recipes["gin"].graph.name for c in contests] == ["knn", "given"]
    assert [c.recipes["abmil"].graph.name for c in contests] == ["edgeless", "edgeless"]
    assert contests[0].cohort == contests[1].cohort
    features = read_features(contests[1].cohort.slides[1].path)
    assert features.coords[:, 0].tolist() == [0, 70, 141, 211, 282]  # tenths of a um
    ring = {(i, (i + 1) % 5) for i in range(5)}
    edges = set(zip(*to_graph(features, Given()).edge_index.tolist(), strict=True))
    assert edges == ring | {(b, a) for a, b in ring}


def test_folds_are_the_official_ones(folder, tmp_path):
    contests = suite("gg_pt1").contests(Wish(tmp_path / "work", folder, recipes=("abmil",)))
    ready = make_ready(contests[1], BenchmarkPlan((contests[1],), seeds=(0, 1), code="1"), Silent())
    assert ready.splits[0] == ready.splits[1]
    for fold, split in enumerate(ready.splits[0]):
        assert split.test == (2 * fold, 2 * fold + 1)
        assert split.val == tuple((i + 2) % 8 for i in split.test)
        assert len(split.train) == 4


@pytest.mark.real
def test_official_splits_are_those_of_the_published_table(real_data):
    with open(real_data / "gg_pt1" / "dataset_split.csv", encoding="utf-8") as file:
        table = {row["imgname"]: row for row in csv.DictReader(file)}
    assert len(table) == 20
    found = official_splits(real_data / "gg_pt1" / FILE)
    assert (found.folds, found.repeats) == (4, 1)
    tested = [name for split in found.splits for name in split.test]
    assert len(tested) == len(set(tested)) == 520
    for split, column in zip(found.splits, ("N1", "N2", "N3", "N4"), strict=True):
        for side, names in split.sides.items():
            assert {table[name.split("_")[0]][column] for name in names} == {side}
        assert sum(map(len, split.sides.values())) == 520


@pytest.mark.real
def test_glands_are_counted_as_published_and_keep_the_papers_edges(real_data):
    glands = list(read_glands(real_data / "gg_pt1" / FILE))
    assert len(glands) == 520
    assert sum(len(gland.features) for gland in glands) == 48_590
    assert {gland.features.x.shape[1] for gland in glands} == {33}
    assert [sum(g.label == label for g in glands) for label in ("normal", "dysplastic")] == [260, 260]
    assert len({gland.patient_id for gland in glands}) == 20
    assert all(g.features.slide_id.startswith(f"{g.patient_id}_") for g in glands)
    assert all(len(gland.features.joins) == 2 * len(gland.features) for gland in glands)
    nearest = sum(_among_the_two_nearest(gland.features) for gland in glands)
    assert 0.82 < nearest / (2 * 48_590) < 0.83  # not a k-NN graph of these centres
    with np.load(real_data / "gg_pt1" / FILE, allow_pickle=False) as file:
        start, end = file["edge_ptr"][7:9]
        pairs = {frozenset(pair) for pair in file["edge_index_paper"][:, start:end].T.tolist()}
    graph = to_graph(glands[7].features, Given())
    assert {frozenset(pair) for pair in graph.edge_index.as_tensor().T.tolist()} == pairs
    assert graph.num_edges == 2 * len(pairs)


def _among_the_two_nearest(features):
    """Given edges whose far end is no farther than the second nearest nucleus."""
    points = features.coords.astype(float)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    second = np.sort(distance, axis=1)[:, 2]
    row = {tuple(place): i for i, place in enumerate(features.coords.tolist())}
    start = [row[tuple(place)] for place in features.joins[:, :2].tolist()]
    length = np.linalg.norm((features.joins[:, :2] - features.joins[:, 2:]).astype(float), axis=1)
    return int((length <= second[start] + 1e-9).sum())
