"""Counting neighbours on a lattice agrees with counting them one by one, and with the graph it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.graph_card import ISOLATED_SHARE
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.lattice import lattice_of
from wsigraph.pipelines.doctor import graph_faults as module
from wsigraph.pipelines.doctor.graph_faults import graph_faults, share_beside


def features_at(cells):
    known = {"step_level0": 256.0, "patch_size_level0": 256.0, "mpp": 0.5}
    return PatchFeatures("A", np.zeros((len(cells), 1), np.float16), cells * 256, **known)


def one_by_one(cells):
    known = {tuple(cell) for cell in cells.tolist()}
    beside = [bool({(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)} & known) for x, y in known]
    return sum(beside) / len(beside)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.8, 1.0])
def test_the_share_is_that_of_counting_one_by_one(share):
    rng = np.random.default_rng(0)
    for _ in range(20):
        cells = np.argwhere(rng.random((9, 13)) < share) - 4
        if len(cells):
            twice = rng.permutation(np.vstack([cells, cells[:2]]))
            assert share_beside(twice) == pytest.approx(one_by_one(cells))


def test_the_ends_of_rows_do_not_touch():
    assert share_beside(np.array([[0, 0], [3, 0], [0, 1], [3, 2]])) == 0.5  # (0, 0) and (0, 1) alone
    assert share_beside(np.array([[3, 0], [0, 1]])) == 0.0


@pytest.mark.parametrize("holes", [0.0, 0.3, 0.6, 0.9])
def test_no_fault_is_missed_where_the_graph_is_not_built(monkeypatch, holes):
    rng = np.random.default_rng(1)
    for _ in range(10):
        features = features_at(np.argwhere(rng.random((12, 12)) >= holes))
        lattice = lattice_of(features)
        quick = graph_faults("A", features, lattice)
        with monkeypatch.context() as patch:
            patch.setattr(module, "share_beside", lambda cells: 0.0)
            assert graph_faults("A", features, lattice) == quick
        alone = len(features) - len(np.unique(KNN().edges(features).index[1]))
        assert ("isolated" in {fault.name for fault in quick}) == (alone > ISOLATED_SHARE * len(features))
