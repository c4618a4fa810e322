"""Probabilities over a label tree: sums upwards, and answers whose levels never contradict each other.

Everything takes NumPy arrays or torch tensors and gives the same kind back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, expected

A = TypeVar("A", np.ndarray, Tensor)


def coarse_probabilities(fine: A, tree: LabelTree, *, level: str | int = 0) -> A:
    r"""Probability of each class of a level: the sum over its finest classes.

    .. math::  p(c) = \sum_{f \in c} p(f)

    Args:
        fine: ``[n, K]`` probabilities of the finest classes.
        tree: The tree.
        level: The level wanted.

    Shape: ``[n, K_level]``.
    Raises: LabelTreeError: if ``fine`` does not have a column for each finest class.
    """
    _check(fine, tree, -1)
    return fine @ _as(fine, tree.membership(-1, level))


def all_levels(fine: A, tree: LabelTree) -> tuple[A, ...]:
    """Probabilities at every level, coarse to fine, from the finest ones."""
    return tuple(coarse_probabilities(fine, tree, level=at) for at in range(tree.num_levels))


def chained(levels: Sequence[A], tree: LabelTree) -> A:
    r"""One distribution over the finest classes from one answer per level, by the product rule.

    A line of the tree is read from the top: each level says how the probability of a parent is divided among
    its children.

    .. math::  q(f) = \prod_l \frac{p_l(f_l)}{\sum_{s \in \mathrm{family}(f_l)} p_l(s)}

    where :math:`f_l` is the ancestor of f in level l and its family are the children of one parent. Summed
    upwards, q gives the coarsest answer unchanged, and every finer level's division within families; where
    the levels agree with each other already, q is the finest answer itself. A family to which its
    level gives nothing at all is divided evenly.

    Args:
        levels: ``[n, K_l]`` probabilities of each level, coarse to fine.
        tree: The tree.

    Shape: ``[n, K]``, each row sums to 1.
    Raises: LabelTreeError: if the answers do not fit the tree.
    """
    _check_all(levels, tree)
    found = levels[0]
    for at in range(1, tree.num_levels):
        up = tree.ancestors(at, at - 1)
        size = _as(found, np.bincount(up)[up])
        family = _as(found, tree.membership(at, at - 1))
        mass = (levels[at] @ family)[:, up]
        empty = (mass == 0) * 1.0
        found = found[:, up] * (levels[at] + empty / size) / (mass + empty)
    return found


def expected_right(levels: Sequence[A], tree: LabelTree) -> A:
    r"""Number of levels at which an answer would be right, on average, for each finest class.

    .. math::  s(f) = \sum_l p_l(f_l)

    Args:
        levels: ``[n, K_l]`` probabilities of each level, coarse to fine.
        tree: The tree.

    Shape: ``[n, K]``, 0..L.
    Raises: LabelTreeError: if the answers do not fit the tree.
    """
    _check_all(levels, tree)
    total = levels[-1]
    for at in range(tree.num_levels - 1):
        total = total + levels[at][:, tree.ancestors(-1, at)]
    return total


RULES: Mapping[str, Callable[[Sequence[Any], LabelTree], Any]] = MappingProxyType(
    {"sum": expected_right, "product": chained}
)
"""Score of each finest class, by the name of the rule."""


def consistent_answers(levels: Sequence[A], tree: LabelTree, *, rule: str = "sum") -> A:
    r"""One finest class per row, and its ancestors: levels that cannot contradict each other.

    Taking the most probable class at each level by itself can answer "malignant" and a benign subtype. Here
    the finest class with the highest score is taken, and its line is the answer.

    ``"sum"`` scores :math:`\sum_l p_l(f_l)`. The tree distance of two classes is the number of levels at
    which their lines differ, so with y the truth :math:`E\,d(f, y) = L - \sum_l P(y_l = f_l)`: where each
    level's probabilities are true, no answer has a smaller expected tree distance, or more levels right.
    Only the probabilities of single levels enter, so the levels need not agree with each other.

    ``"product"`` scores :math:`q(f)` of :func:`chained`. Where each level's division of a parent among its
    children is true, q is the distribution of the finest class, and no answer is more often right at all
    levels. Where the levels agree this is the most probable finest class.

    Ties go to the class that comes first.

    Args:
        levels: ``[n, K_l]`` probabilities of each level, coarse to fine.
        tree: The tree.
        rule: ``"sum"`` or ``"product"``.

    Shape: ``[n, L]`` int64 classes, coarse to fine.
    Raises: LabelTreeError: if the answers do not fit the tree or there is no such rule.
    """
    if rule not in RULES:
        raise LabelTreeError(expected("consistent_answers", f"a rule of {list(RULES)}", f"{rule!r}"))
    best = RULES[rule](levels, tree).argmax(1)
    return lines(tree, like=levels[0])[best]


def lines(tree: LabelTree, *, like: A) -> A:
    """The line of each finest class, ``[K, L]`` int64, as an array of the same kind as ``like``."""
    found = np.stack([tree.ancestors(-1, at) for at in range(tree.num_levels)], axis=1)
    return found if isinstance(like, np.ndarray) else torch.as_tensor(found, device=like.device)


def _as(like: A, values: np.ndarray) -> A:
    """``values`` as an array of the kind and type of ``like``."""
    return values.astype(like.dtype) if isinstance(like, np.ndarray) else like.new_tensor(values)


def _check_all(levels: Sequence[A], tree: LabelTree) -> None:
    if len(levels) != tree.num_levels:
        raise LabelTreeError(
            expected(
                "Probabilities", f"an array for each of the levels {list(tree.levels)}", f"{len(levels)}"
            )
        )
    for at, one in enumerate(levels):
        _check(one, tree, at)
        if len(one) != len(levels[0]):
            raise LabelTreeError(
                expected(
                    "Probabilities",
                    f"{len(levels[0])} rows at every level",
                    f"{len(one)} at '{tree.levels[at]}'",
                )
            )


def _check(one: A, tree: LabelTree, level: int) -> None:
    size = len(tree.classes[level])
    if one.ndim != 2 or one.shape[1] != size:
        where = f"Probabilities of level '{tree.levels[level]}'"
        raise LabelTreeError(expected(where, f"shape [n, {size}]", f"{list(one.shape)}"))
