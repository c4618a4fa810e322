"""Exact quantiles of a stream of scores: a few passes, half a megabyte per rank, no sort."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import FeatureError, RecipeError, expected

_DIGIT = 16
_CELLS = 1 << _DIGIT
_KEYS: dict[np.dtype, type[np.unsignedinteger]] = {
    np.dtype(np.float16): np.uint16,
    np.dtype(np.float32): np.uint32,
    np.dtype(np.float64): np.uint64,
}


@dataclass(frozen=True)
class Place:
    """One order statistic and what lies around it.

    Args:
        value: The score at the wanted rank.
        below: How many scores are smaller.
        equal: How many scores equal it.
        total: How many scores there are.
    """

    value: float
    below: int
    equal: int
    total: int


def quantile(chunks: Iterable[np.ndarray], q: float) -> float:
    r"""The q-quantile of all scores: what ``numpy.quantile`` says of them in float64.

    .. math::  h = (n - 1) q, \quad s_{\lfloor h \rfloor} + (h - \lfloor h \rfloor)
        (s_{\lceil h \rceil} - s_{\lfloor h \rfloor}), \quad s_0 \le s_1 \le \dots \le s_{n-1}

    Args:
        chunks: Arrays of scores, as :func:`select` takes them.
        q: 0 to 1.

    Raises: RecipeError: if q is no share. FeatureError: as :func:`select`.
    """
    if not 0.0 <= q <= 1.0:
        raise RecipeError(expected("Quantile", "q between 0 and 1", f"{q}"))

    def around(total: int) -> tuple[int, int]:
        return math.floor((total - 1) * q), math.ceil((total - 1) * q)

    low, high = select(chunks, around)
    at = (low.total - 1) * q
    rest, step = at - math.floor(at), high.value - low.value
    return low.value + rest * step if rest < 0.5 else high.value - (1.0 - rest) * step


def select(chunks: Iterable[np.ndarray], ranks_of: Callable[[int], Sequence[int]]) -> list[Place]:
    """The scores at given ranks, exactly, without holding or sorting them.

    The bits of a float, read as an unsigned integer, sort as the number does once the sign bit is turned and
    all bits of negative numbers are. The first pass counts the scores by the upper 16 bits of this key:
    the counts tell in which of 65,536 cells each rank lies. The next pass counts the scores of that cell by
    the 16 bits that follow, until none are left: 1 pass for float16, 2 for float32, 4 for float64.

    Error bound: 0, the value is one of the scores. Memory: 512 KiB for each rank and temporaries of
    the size of one chunk, however many scores there are.

    Args:
        chunks: Arrays of scores, all of one float type. Each pass walks through them once more, so a list, or
            an object whose iterator starts anew.
        ranks_of: Wanted ranks, counted from 0 for the smallest score, given the number of scores.

    Returns: One place per rank, in the order of the ranks.
    Raises: FeatureError: if there is no score, one is NaN or infinite, types are mixed or no floats, the
        chunks cannot be walked through again or change between passes, or a rank does not exist.
    Source: selection in few passes with little memory, Munro and Paterson 1980. Differs: cells are digits
        of the key and not samples, so that neither passes nor memory depend on the number of scores.
    """
    if iter(chunks) is chunks:
        todo = "Give a list of arrays, or an object whose iterator starts anew."
        raise FeatureError(expected("Quantile", "scores to walk through again", "an iterator", todo=todo))
    dtype = _dtype_of(chunks)
    counted = _count(chunks, dtype, [0], digit=0)
    total = int(counted[0].sum())
    if not total:
        raise FeatureError(expected("Quantile", "at least one score", "none"))
    ranks = list(ranks_of(total))
    if not all(0 <= rank < total for rank in ranks):
        raise FeatureError(expected("Quantile", f"ranks below {total}, the number of scores", f"{ranks}"))
    found = [_Cell(0, 0, total) for _ in ranks]
    for digit in range(dtype.itemsize * 8 // _DIGIT):
        if digit:
            counted = _count(chunks, dtype, [cell.prefix for cell in found], digit=digit)
        for cell in found:
            if counted[cell.prefix].sum() != cell.size:
                raise FeatureError(expected("Quantile", "the same scores in every pass", "other ones"))
        found = [cell.part(counted[cell.prefix], rank) for cell, rank in zip(found, ranks, strict=True)]
    return [Place(_value(cell.prefix, dtype), cell.below, cell.size, total) for cell in found]


@dataclass(frozen=True)
class _Cell:
    """Scores whose key begins with ``prefix``."""

    prefix: int
    below: int  # scores in cells before it
    size: int

    def part(self, counts: np.ndarray, rank: int) -> _Cell:
        """The cell within this one, one digit longer, that holds ``rank``."""
        ends = counts.cumsum()
        digit = int(np.searchsorted(ends, rank - self.below, side="right"))
        size = int(counts[digit])
        return _Cell(self.prefix << _DIGIT | digit, self.below + int(ends[digit]) - size, size)


def _count(
    chunks: Iterable[np.ndarray], dtype: np.dtype, prefixes: Sequence[int], *, digit: int
) -> dict[int, np.ndarray]:
    """Scores by their digit, for each prefix of ``digit`` digits."""
    counts = {prefix: np.zeros(_CELLS, np.int64) for prefix in prefixes}
    after = dtype.itemsize * 8 - _DIGIT * (digit + 1)  # bits behind this digit
    for keys in _keys(chunks, dtype):
        for prefix in counts:
            mine = keys if not digit else keys[keys >> (after + _DIGIT) == prefix]
            counts[prefix] += np.bincount((mine >> after).astype(np.int64) & (_CELLS - 1), minlength=_CELLS)
    return counts


def _keys(chunks: Iterable[np.ndarray], dtype: np.dtype) -> Iterator[np.ndarray]:
    """Unsigned integers that sort as the scores do."""
    kind = _KEYS[dtype]
    sign = kind(1 << (dtype.itemsize * 8 - 1))
    for chunk in chunks:
        if chunk.dtype != dtype:
            raise FeatureError(expected("Quantile", f"scores of type {dtype} throughout", f"{chunk.dtype}"))
        if not np.isfinite(chunk).all():
            wrong = int((~np.isfinite(chunk)).sum())
            raise FeatureError(expected("Quantile", "finite scores", f"{wrong} NaN or infinite"))
        bits = (chunk.ravel() + dtype.type(0)).view(kind)  # adding 0 makes -0 and 0 the same score
        yield np.where(bits & sign, ~bits, bits | sign)


def _value(key: int, dtype: np.dtype) -> float:
    """The score of a whole key."""
    kind = _KEYS[dtype]
    sign = 1 << (dtype.itemsize * 8 - 1)
    bits = key ^ sign if key & sign else ~key & (2 * sign - 1)
    return float(np.array(bits, kind).view(dtype))


def _dtype_of(chunks: Iterable[np.ndarray]) -> np.dtype:
    """The type of the first chunk."""
    dtype = next((chunk.dtype for chunk in chunks), np.dtype(np.float32))
    if dtype not in _KEYS:
        raise FeatureError(expected("Quantile", f"scores of {[str(k) for k in _KEYS]}", f"{dtype}"))
    return dtype
