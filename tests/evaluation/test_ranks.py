"""Friedman and Nemenyi against Demsar's published table, another formula and loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wsigraph.errors import RunError
from wsigraph.evaluation.ranks import critical_difference, nemenyi_quantile, rank_table

DEMSAR = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
"""Table 5(a) of Demsar 2006: q at 5 % for 2 to 10 methods."""


@pytest.mark.parametrize(("methods", "value"), list(enumerate(DEMSAR, start=2)))
def test_quantiles_are_demsars(methods, value):
    assert nemenyi_quantile(methods) == pytest.approx(value, abs=1.1e-3)


def test_the_critical_difference_of_demsars_example():
    """Section 3.2.2: four methods on 14 data sets, 5 %: 1.25; 10 %: 1.12."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, level=0.10) == pytest.approx(1.12, abs=0.005)


def table(scores):
    return {f"block {i}": {f"m{j}": float(v) for j, v in enumerate(row)} for i, row in enumerate(scores)}


def mean_ranks(scores):
    """One plus the number of better methods, half for each tie."""
    blocks, methods = scores.shape
    found = np.zeros(methods)
    for row in scores:
        for j in range(methods):
            for other in range(methods):
                if other != j:
                    found[j] += (row[other] > row[j]) + 0.5 * (row[other] == row[j])
    return 1 + found / blocks


@pytest.mark.parametrize("rounded", [6, 1])  # without ties, and with many
def test_ranks_and_friedman(rounded):
    scores = np.round(np.random.default_rng(3).uniform(0.6, 0.9, (7, 5)), rounded)
    found = rank_table(table(scores))
    want = mean_ranks(scores)
    assert dict(zip(found.methods, found.ranks, strict=True)) == pytest.approx(
        {f"m{j}": rank for j, rank in enumerate(want)}
    )
    assert list(found.ranks) == sorted(found.ranks)
    other = stats.friedmanchisquare(*scores.T)
    assert (found.statistic, found.p_value) == pytest.approx((other.statistic, other.pvalue))
    assert found.blocks == 7


def test_apart_means_the_critical_difference():
    scores = np.tile([0.9, 0.8, 0.7, 0.6], (14, 1))  # mean ranks 1, 2, 3, 4; critical difference 1.25
    found = rank_table(table(scores))
    assert found.ranks == (1.0, 2.0, 3.0, 4.0)
    assert not found.apart("m0", "m1")
    assert found.apart("m0", "m2")
    turned = rank_table(table(scores), lower_is_better=True)
    assert turned.methods == ("m3", "m2", "m1", "m0")


def test_nothing_but_ties_is_no_difference():
    found = rank_table(table(np.full((4, 3), 0.5)))
    assert found.ranks == (2.0, 2.0, 2.0)
    assert np.isnan(found.statistic)
    assert found.p_value == 1.0


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(RunError, match="at least 2 blocks and 2 methods, got 1 blocks and 3 methods"):
        rank_table(table(np.ones((1, 3))))
    scores = table(np.ones((2, 2)))
    del scores["block 1"]["m0"]
    with pytest.raises(RunError, match="every method on every block, got none of 'm0' on 'block 1'"):
        rank_table(scores)
