"""Lesions met by patch probabilities: one detection per peak, isolated cells not counted, mpp needed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.data.heatmap import Heatmap
from wsigraph.evaluation.outlines import Outlines
from wsigraph.pipelines.mine_froc import LesionHits

SIDE = 400  # 200 um at .5 um/px


def heatmap(name, probable, *, mpp=0.5):
    """A lattice of 6 x 4 patches, 0.1 probable but for those named."""
    coords = np.stack([np.arange(24) % 6, np.arange(24) // 6], axis=1) * SIDE
    values = np.full(24, 0.1)
    values[list(probable)] = list(probable.values())
    return Heatmap(name, values, values, coords, float(SIDE), mpp, "probability")


def lesion(column, row, width=2):
    """A rectangle of patches, 400 um wide: large enough to count."""
    x, y = column * SIDE, row * SIDE
    right, bottom = x + width * SIDE, y + SIDE
    return np.array([[x, y], [right, y], [right, bottom], [x, bottom]], float)


def test_lesions_found_and_missed_and_false_alarms_by_hand():
    found = LesionHits()
    outlined = Outlines.of([lesion(0, 0), lesion(3, 3), lesion(3, 1, width=1)])
    found.add(heatmap("a", {0: 0.9, 1: 0.8, 9: 0.65, 11: 0.7}), outlined, "p")
    # patch 1 is silenced by its neighbour 0; 9 finds the small lesion, 11 is a false alarm, one is missed
    found.add(heatmap("b", {5: 0.6}), None, "q")
    result = found.result()
    assert (result["lesions"], result["slides"]) == (3, 2)
    # lesions found at .9 .7 .65 .6: 1, 1, 2, 2 of 3; false alarms: 0, 1, 1, 2 on two slides
    assert result["sensitivities"] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert result["score"]["value"] == pytest.approx((1 / 3 + 5 * 2 / 3) / 6)


def test_isolated_cells_alone_define_no_score_and_a_slide_without_mpp_is_left_out():
    tiny = Outlines.of([np.array([[0, 0], [100, 0], [100, 100], [0, 100]], float)])
    found = LesionHits()
    found.add(heatmap("a", {0: 0.9}), tiny, "p")
    assert found.result() is None
    found.add(heatmap("b", {0: 0.9}, mpp=math.nan), Outlines.of([lesion(0, 0)]), "q")
    assert found.result() is None
    assert found.unknown == 1
    found.add(heatmap("c", {0: 0.9}), Outlines.of([lesion(0, 0)]), "r")
    assert found.result()["slides_of_unknown_mpp"] == 1
