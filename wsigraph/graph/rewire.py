"""Random graphs with given degrees: pairs of edges change partners until nothing is left of who met whom."""

from __future__ import annotations

import numpy as np

ROUNDS = 20
"""Times that every edge is offered a new partner."""


def rewire(
    pairs: np.ndarray, num_nodes: int, *, rng: np.random.Generator, rounds: int = ROUNDS
) -> np.ndarray:
    r"""Swap ends of edges at random; every node keeps its degree.

    .. math::  \{a, b\}, \{c, d\} \to \{a, d\}, \{c, b\}

    A round pairs all edges at random, and swaps each pair unless that made a self-loop, an edge that is there
    already, or one that another pair makes too. A swap that is refused leaves both edges as they are.

    Args:
        pairs: ``[2, M]`` int64 undirected edges, each once, without self-loops.
        num_nodes: Nodes.
        rng: Source of the draws.
        rounds: How often every edge is offered a swap.

    Shape: ``[2, M]``, in no order; nodes keep their degrees exactly, the graph need not be connected.
    Source: Maslov and Sneppen, Science 296, 2002. Differs: half of all edges are paired with the other half
        and swapped at once, where they swap one pair at a time.
    """
    first, second = pairs.astype(np.int64)
    half = first.size // 2
    for _ in range(rounds if half else 0):
        order = rng.permutation(first.size)
        left, right = order[:half], order[half : 2 * half]
        turned = rng.random(half) < 0.5  # an undirected edge has no first end
        c, d = np.where(turned, (second[right], first[right]), (first[right], second[right]))
        a, b = first[left], second[left]
        keys = np.concatenate([_keys(a, d, num_nodes), _keys(c, b, num_nodes)])
        there = np.sort(_keys(first, second, num_nodes))
        free = ~_among(keys, there) & _once(keys)
        swap = free[:half] & free[half:] & (a != d) & (c != b)
        second[left[swap]] = d[swap]
        first[right[swap]], second[right[swap]] = c[swap], b[swap]
    return np.stack([first, second])


def _keys(one: np.ndarray, other: np.ndarray, num_nodes: int) -> np.ndarray:
    """One number for each undirected edge."""
    return np.minimum(one, other) * num_nodes + np.maximum(one, other)


def _among(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which keys are in ``ordered``, which is not empty."""
    place = np.searchsorted(ordered, keys)
    return ordered[np.minimum(place, len(ordered) - 1)] == keys


def _once(keys: np.ndarray) -> np.ndarray:
    """Which keys occur once."""
    _, where, count = np.unique(keys, return_inverse=True, return_counts=True)
    return count[where] == 1
