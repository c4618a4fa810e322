"""The loops of a selective state space on a CPU: blocks of channels beside each other, row after row.

Arrays are flat: rows ``[n, D]``, what is written and read ``[n, S]``, states and decay ``[S, D]``. States are
kept before each piece of rows alone; those within are in scratch of a block, ``[T, S, width]``.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_exp import softmax_exp
from wsigraph.nn.kernels.numba_variants import block_loop, row_loop

WIDTH = 64
"""Channels that a thread takes at a time; fixed, so that no result depends on the number of threads."""


@row_loop
def _states_rows(first, last, begin, width, channels, states, x, step, write, decay, keep, after):
    """``after[i + 1]`` are the states after row ``first + i``, ``keep[i]`` what they keep of ``after[i]``."""
    begin, width, channels, states = U(begin), U(width), U(channels), U(states)
    for t in range(U(first), U(last)):
        row = t * channels + begin
        for s in range(states):
            factor, rate = write[t * states + s], s * channels + begin
            here = ((t - U(first)) * states + s) * width
            there = here + states * width
            for c in range(width):
                keep[here + c] = softmax_exp(step[row + c] * decay[rate + c])
            for c in range(width):
                after[there + c] = keep[here + c] * after[here + c] + factor * (step[row + c] * x[row + c])


@row_loop
def _read_rows(first, last, begin, width, channels, states, read, after, out):
    """What is read of the states after each row."""
    begin, width, channels, states = U(begin), U(width), U(channels), U(states)
    for t in range(U(first), U(last)):
        row = t * channels + begin
        for c in range(width):
            out[row + c] = 0
        for s in range(states):
            factor = read[t * states + s]
            there = ((t - U(first) + U(1)) * states + s) * width
            for c in range(width):
                out[row + c] += factor * after[there + c]


@row_loop
def _copy_states(begin, width, channels, states, source, s_first, s_stride, target, t_first, t_stride):
    for s in range(U(states)):
        a, b = U(s_first) + s * U(s_stride), U(t_first) + s * U(t_stride)
        for c in range(U(width)):
            target[b + c] = source[a + c]


@row_loop
def _forward_block(begin, width, piece, channels, states, x, step, write, read, decay, ends, out):
    rows, plane = x.shape[0] // channels, states * width
    keep, after = np.empty(piece * plane, x.dtype), np.empty((piece + 1) * plane, x.dtype)
    after[:plane] = 0
    for first in range(0, rows, piece):
        last = min(rows, first + piece)
        if ends.shape[0] > 0:
            place = first // piece * states * channels + begin
            _copy_states(begin, width, channels, states, after, 0, width, ends, place, channels)
        _states_rows(first, last, begin, width, channels, states, x, step, write, decay, keep, after)
        _read_rows(first, last, begin, width, channels, states, read, after, out)
        _copy_states(begin, width, channels, states, after, (last - first) * plane, width, after, 0, width)


@row_loop
def _backward_rows(
    first, last, begin, width, channels, states, grad, x, step, write, read, decay, keep, after,
    d_x, d_step, d_decay, d_state, d_write, d_read,
):  # fmt: skip
    """Rows from the last to the first; ``d_state`` is that of the states after the row, then of those before.

    ``d_write`` and ``d_read`` are the shares of these channels, ``[T, S]``.
    """
    begin, width, channels, states = U(begin), U(width), U(channels), U(states)
    zero = x.dtype.type(0)
    for back in range(U(1), U(last - first + 1)):
        i = U(last - first) - back
        row = (U(first) + i) * channels + begin
        for c in range(width):
            d_x[row + c] = 0
            d_step[row + c] = 0
        for s in range(states):
            wrote, reads = write[(U(first) + i) * states + s], read[(U(first) + i) * states + s]
            here, rate = (i * states + s) * width, s * channels + begin
            there = here + states * width
            of_write, of_read = zero, zero
            for c in range(width):  # short loops over few arrays: longer ones are not vectorised
                of_read += grad[row + c] * after[there + c]
            for c in range(width):
                d = d_state[rate + c] + reads * grad[row + c]
                of_write += d * (step[row + c] * x[row + c])
                d_state[rate + c] = d
                d_x[row + c] += wrote * d
            for c in range(width):
                d = d_state[rate + c] * keep[here + c]
                d_state[rate + c] = d
                keep[here + c] = d * after[here + c]
            for c in range(width):
                d_step[row + c] += keep[here + c] * decay[rate + c]
                d_decay[rate + c] += keep[here + c] * step[row + c]
            d_write[i * states + s], d_read[i * states + s] = of_write, of_read
        for c in range(width):
            d_step[row + c] += d_x[row + c] * x[row + c]
            d_x[row + c] *= step[row + c]


@row_loop
def _backward_block(
    first, last, begin, width, channels, states, grad, x, step, write, read, decay, before,
    d_x, d_step, d_decay, d_state, d_write, d_read,
):  # fmt: skip
    plane = states * width
    keep = np.empty((last - first) * plane, x.dtype)
    after = np.empty((last - first + 1) * plane, x.dtype)
    _copy_states(begin, width, channels, states, before, begin, channels, after, 0, width)
    _states_rows(first, last, begin, width, channels, states, x, step, write, decay, keep, after)
    _backward_rows(
        first, last, begin, width, channels, states, grad, x, step, write, read, decay, keep, after,
        d_x, d_step, d_decay, d_state, d_write, d_read,
    )  # fmt: skip


def _forward(piece, channels, states, x, step, write, read, decay, ends, out):
    """``ends`` are the states before each piece, or empty where nobody asks for them."""
    for block in numba.prange((channels + WIDTH - 1) // WIDTH):
        begin, width = block * WIDTH, min(WIDTH, channels - block * WIDTH)
        _forward_block(begin, width, piece, channels, states, x, step, write, read, decay, ends, out)


def _backward(
    first, last, channels, states, grad, x, step, write, read, decay, before,
    d_x, d_step, d_decay, d_state, d_write, d_read,
):  # fmt: skip
    """One piece: ``d_write`` and ``d_read`` are the shares of each block, ``[blocks, T * S]``."""
    for block in numba.prange((channels + WIDTH - 1) // WIDTH):
        begin, width = block * WIDTH, min(WIDTH, channels - block * WIDTH)
        _backward_block(
            first, last, begin, width, channels, states, grad, x, step, write, read, decay, before,
            d_x, d_step, d_decay, d_state, d_write[block], d_read[block],
        )  # fmt: skip


forward = block_loop(_forward)
backward = block_loop(_backward)
