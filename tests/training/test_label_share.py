"""Fewer labels: every class, smaller shares within larger ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from wsigraph.errors import CohortError
from wsigraph.training.label_share import share_of_slides

STRATA = ["b" if i < 20 else "a" for i in range(80)]
TRAIN = list(range(72))
"""Twenty slides of b, fifty-two of a."""


def kept(share, seed=0):
    return share_of_slides(TRAIN, STRATA, share=share, seed=seed)


@pytest.mark.parametrize(("share", "of_b", "of_a"), [(0.05, 2, 3), (0.1, 2, 5), (0.25, 5, 13), (0.5, 10, 26)])
def test_counts_of_each_class(share, of_b, of_a):
    found = kept(share)
    assert found == sorted(set(found))
    assert sum(STRATA[i] == "b" for i in found) == of_b
    assert sum(STRATA[i] == "a" for i in found) == of_a


@pytest.mark.parametrize("seed", range(5))
def test_smaller_shares_lie_within_larger_ones(seed):
    shares = [set(kept(share, seed)) for share in (0.05, 0.1, 0.25, 0.5, 1.0)]
    assert all(small <= large for small, large in pairwise(shares))
    assert shares[-1] == set(TRAIN)


def test_seeds_draw_otherwise():
    assert kept(0.25, 0) == kept(0.25, 0)
    assert kept(0.25, 0) != kept(0.25, 1)


def test_no_share_is_refused():
    with pytest.raises(CohortError, match="a share above 0 and up to 1, got 0"):
        kept(0)
