"""Several methods on several data sets: mean ranks, and how far apart they must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wsigraph.errors import RunError, expected


@dataclass(frozen=True)
class RankTable:
    """Mean ranks of methods, rank 1 the best.

    Args:
        methods: Names, best first.
        ranks: Mean rank of each.
        blocks: On how many blocks (data sets).
        statistic: Friedman's chi squared; NaN where all methods tie on every block.
        p_value: Of "no method differs", by its chi-squared limit; poor for few blocks and methods.
        critical_difference: Two methods whose mean ranks lie less apart are not told apart (Nemenyi, 5 %).
    """

    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    blocks: int
    statistic: float
    p_value: float
    critical_difference: float

    def apart(self, a: str, b: str) -> bool:
        """Whether two methods' mean ranks lie at least the critical difference apart."""
        place = dict(zip(self.methods, self.ranks, strict=True))
        return abs(place[a] - place[b]) >= self.critical_difference


def rank_table(
    scores: Mapping[str, Mapping[str, float]], *, level: float = 0.05, lower_is_better: bool = False
) -> RankTable:
    r"""Rank methods within each block and average the ranks; tied scores share their mean rank.

    .. math::  \chi^2_F = \frac{(k - 1) \sum_j (\sum_i r_{ij} - N (k + 1) / 2)^2}
               {\sum_{ij} r_{ij}^2 - N k (k + 1)^2 / 4}

    Blocks must be independent of each other: cohorts, not folds or seeds of one cohort, whose slides are
    the same.

    Args:
        scores: Score by block and method.
        level: Of the critical difference.
        lower_is_better: For Brier scores and other losses.

    Raises: RunError: with fewer than two blocks or methods, or a score missing.
    Source: Friedman 1937; Nemenyi 1963; Demsar 2006, section 3.2. The statistic is corrected for ties
        (Conover 1999, section 5.8).
    """
    methods = sorted({name for row in scores.values() for name in row})
    if len(scores) < 2 or len(methods) < 2:
        got = f"{len(scores)} blocks and {len(methods)} methods"
        raise RunError(expected("rank_table", "at least 2 blocks and 2 methods", got))
    table = np.array([[row.get(name, np.nan) for name in methods] for row in scores.values()])
    if np.isnan(table).any():
        row, column = np.argwhere(np.isnan(table))[0]
        what = f"none of '{methods[column]}' on '{list(scores)[row]}'"
        raise RunError(expected("rank_table", "a score of every method on every block", what))
    ranks = stats.rankdata(table if lower_is_better else -table, axis=1)
    statistic, p_value = friedman(ranks)
    mean = ranks.mean(0)
    order = np.argsort(mean, kind="stable")
    return RankTable(
        tuple(methods[i] for i in order),
        tuple(float(mean[i]) for i in order),
        len(table),
        statistic,
        p_value,
        critical_difference(len(methods), len(table), level=level),
    )


def friedman(ranks: np.ndarray) -> tuple[float, float]:
    """Friedman's chi squared of ``ranks [N, k]``, corrected for ties, and its p-value with k - 1 degrees.

    Source: Conover 1999, section 5.8. Differs: NaN and 1 where every method ties everywhere.
    """
    blocks, methods = ranks.shape
    middle = (methods + 1) / 2
    spread = float(np.square(ranks - middle).sum())
    if spread == 0.0:
        return float("nan"), 1.0
    between = float(np.square(ranks.sum(0) - blocks * middle).sum())
    statistic = (methods - 1) * between / spread
    return statistic, float(stats.chi2.sf(statistic, methods - 1))


def critical_difference(methods: int, blocks: int, *, level: float = 0.05) -> float:
    r"""Least difference of two mean ranks that Nemenyi's test calls a difference.

    .. math::  CD = q_\alpha \sqrt{k (k + 1) / 6N}

    with :math:`q_\alpha` the studentised range of k means at infinite degrees of freedom over
    :math:`\sqrt 2`.

    Args:
        methods: k.
        blocks: N.
        level: alpha.

    Source: Demsar 2006, section 3.2.2 and table 5.
    """
    return nemenyi_quantile(methods, level=level) * math.sqrt(methods * (methods + 1) / (6 * blocks))


def nemenyi_quantile(methods: int, *, level: float = 0.05) -> float:
    """q of Demsar's table 5(a)."""
    return float(stats.studentized_range.ppf(1.0 - level, methods, np.inf)) / math.sqrt(2.0)
