"""Philox 4x32-10, the counter-based generator, inside Numba loops.

Each decision of a dropout depends on (seed, row, column) alone, so that the backward pass and any block of
rows can draw it again instead of storing it.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PER_CALL = 8
"""Decisions of 16 bits from one call."""

LANES = 8
"""Calls computed side by side in vector registers."""

_MULTIPLIERS, _WEYL = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)
_LOW16, _HALF = np.uint32(0xFFFF), np.uint32(16)


def _typed(typingctx: Any, words: Any, first: Any, row: Any, seed: Any) -> Any:
    """Calls ``first`` to ``first + 7`` of a row: ``words[:, first : first + 8]``, of ``[4, B]`` uint32.

    The counter of call j is (j, low and high half of row, 0), the key is the seed. Written for the compiler
    in vectors because its own vectoriser takes products of 64 bits for too dear.
    """
    return types.none(words, types.uint64, types.uint64, types.uint64), _draw_words


def _draw_words(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
    words, first, row, seed = args
    wide, narrow = ir.VectorType(ir.IntType(64), LANES), ir.VectorType(ir.IntType(32), LANES)
    low, shift = ir.Constant(wide, [0xFFFFFFFF] * LANES), ir.Constant(wide, [32] * LANES)
    lanes = builder.add(_spread(builder, first, wide), ir.Constant(wide, list(range(LANES))))
    row, seed = _spread(builder, row, wide), _spread(builder, seed, wide)
    c = [lanes, builder.and_(row, low), builder.lshr(row, shift), ir.Constant(wide, [0] * LANES)]
    key = [builder.and_(seed, low), builder.lshr(seed, shift)]
    for _ in range(10):
        one, two = (
            builder.mul(builder.and_(v, low), ir.Constant(wide, [m] * LANES))
            for v, m in zip((c[0], c[2]), _MULTIPLIERS, strict=True)
        )
        c = [
            builder.xor(builder.xor(builder.lshr(two, shift), c[1]), key[0]),
            builder.and_(two, low),
            builder.xor(builder.xor(builder.lshr(one, shift), c[3]), key[1]),
            builder.and_(one, low),
        ]
        key = [
            builder.and_(builder.add(k, ir.Constant(wide, [w] * LANES)), low)
            for k, w in zip(key, _WEYL, strict=True)
        ]
    array = context.make_array(signature.args[0])(context, builder, words)
    length = builder.extract_value(array.shape, 1)
    for i, word in enumerate(c):
        offset = builder.add(builder.mul(length, ir.Constant(ir.IntType(64), i)), first)
        place = builder.bitcast(builder.gep(array.data, [offset]), narrow.as_pointer())
        builder.store(builder.trunc(word, narrow), place, align=4)
    return context.get_dummy_value()


def _spread(builder: ir.IRBuilder, value: Any, wide: ir.VectorType) -> Any:
    nothing, place = ir.Constant(wide, ir.Undefined), ir.IntType(32)
    first = builder.insert_element(nothing, value, ir.Constant(place, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(place, LANES), [0] * LANES))


draw_words: Any = intrinsic(_typed)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def philox_words(seed, row, calls):
    """Words of the calls 0, 1, ... of a row: ``[4, calls rounded up to a multiple of 8]``."""
    words = np.empty((4, (calls + LANES - 1) // LANES * LANES), np.uint32)
    for first in range(0, calls, LANES):
        draw_words(words, np.uint64(first), np.uint64(row), np.uint64(seed))
    return words


@numba.njit(cache=True, nogil=True, error_model="numpy")
def keep_row(seed, row, threshold, keep):
    """Decide which columns of one row are kept: ``keep[c]`` is 1 with probability 1 - threshold / 65536.

    Call j decides the columns j, j + B, j + 2 B, ... of B calls, which lets the loop over calls run in
    vector registers.

    Args:
        seed: 64-bit seed.
        row: Number of the row.
        threshold: Of 65536 values of a decision, those that drop.
        keep: ``[8 B]`` uint8, written.
    """
    calls = keep.shape[0] // PER_CALL
    words, limit = philox_words(seed, row, calls), np.uint32(threshold)
    for j in range(calls):
        a, b, c, d = words[0, j], words[1, j], words[2, j], words[3, j]
        keep[j] = (a & _LOW16) >= limit
        keep[calls + j] = (a >> _HALF) >= limit
        keep[2 * calls + j] = (b & _LOW16) >= limit
        keep[3 * calls + j] = (b >> _HALF) >= limit
        keep[4 * calls + j] = (c & _LOW16) >= limit
        keep[5 * calls + j] = (c >> _HALF) >= limit
        keep[6 * calls + j] = (d & _LOW16) >= limit
        keep[7 * calls + j] = (d >> _HALF) >= limit


@numba.njit(cache=True, nogil=True, error_model="numpy")
def drop_rows(x, first_row, seed, threshold, scale, out):
    """Write a block of rows after dropout: the same decisions as ``keep_row``.

    Args:
        x: ``[R, C]`` rows.
        first_row: Number of the first of them.
        seed: 64-bit seed.
        threshold: Of 65536 values of a decision, those that drop.
        scale: Factor of what is kept, of x's type.
        out: ``[R, C]``, written; may be x.
    """
    width = x.shape[1]
    calls = (width + PER_CALL - 1) // PER_CALL
    words = np.empty((4, (calls + LANES - 1) // LANES * LANES), np.uint32)
    limit, nothing = np.uint32(threshold), x.dtype.type(0)
    for r in range(x.shape[0]):
        for first in range(0, calls, LANES):
            draw_words(words, np.uint64(first), np.uint64(first_row + r), np.uint64(seed))
        for piece in range(PER_CALL):
            word, shift = words[piece // 2], _HALF * np.uint32(piece % 2)
            row, dropped = (
                x[r, piece * calls : (piece + 1) * calls],
                out[r, piece * calls : (piece + 1) * calls],
            )
            for j in range(row.shape[0]):
                dropped[j] = row[j] * scale if ((word[j] >> shift) & _LOW16) >= limit else nothing
