"""The loops of fused graph attention on a CPU: per node, no message of an edge is ever stored.

Every output row is summed by one thread in the order of its edges, so results do not depend on the number
of threads.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numba
import numpy as np


def _forward(h, s, t, keep, ptr, source, slope, out, attention):
    heads, width = h.shape[1], h.shape[2]
    for v in numba.prange(ptr.shape[0] - 1):
        first, last = ptr[v], ptr[v + 1]
        for k in range(heads):
            top = -np.inf
            for e in range(first, last):
                logit = s[source[e], k] + t[v, k]
                logit = logit if logit > 0 else logit * slope
                attention[e, k] = logit
                top = max(top, logit)
            total = 0.0
            for e in range(first, last):
                attention[e, k] = np.exp(attention[e, k] - top)
                total += attention[e, k]
            for e in range(first, last):
                attention[e, k] /= total
                weight = attention[e, k] * keep[e, k]
                u = source[e]
                for c in range(width):
                    out[v, k, c] += weight * h[u, k, c]


def _backward_target(grad, h, s, t, keep, attention, ptr, source, slope, d_logit, d_t):
    heads, width = h.shape[1], h.shape[2]
    for v in numba.prange(ptr.shape[0] - 1):
        first, last = ptr[v], ptr[v + 1]
        for k in range(heads):
            mean = 0.0
            for e in range(first, last):
                u = source[e]
                dot = h[u, k, 0] * 0
                for c in range(width):
                    dot += grad[v, k, c] * h[u, k, c]
                dot *= keep[e, k]
                d_logit[e, k] = dot
                mean += attention[e, k] * dot
            total = 0.0
            for e in range(first, last):
                d = attention[e, k] * (d_logit[e, k] - mean)
                if s[source[e], k] + t[v, k] <= 0:
                    d *= slope
                d_logit[e, k] = d
                total += d
            d_t[v, k] = total


def _backward_source(grad, keep, attention, d_logit, ptr, target, edge, d_h, d_s):
    heads, width = d_h.shape[1], d_h.shape[2]
    for u in numba.prange(ptr.shape[0] - 1):
        for i in range(ptr[u], ptr[u + 1]):
            e, v = edge[i], target[i]
            for k in range(heads):
                d_s[u, k] += d_logit[e, k]
                weight = attention[e, k] * keep[e, k]
                for c in range(width):
                    d_h[u, k, c] += weight * grad[v, k, c]


def _variant(loop: Any, ending: str, *, parallel: bool) -> Any:
    """Compile under a name of its own: Numba's cache tells variants apart by name, not by options."""
    name = f"{loop.__name__}_{ending}"
    twin = FunctionType(loop.__code__.replace(co_name=name), loop.__globals__, name)
    twin.__qualname__ = name
    fastmath = {"reassoc", "contract", "nsz"}
    return numba.njit(cache=True, nogil=True, parallel=parallel, fastmath=fastmath)(twin)


forward_sequential = _variant(_forward, "sequential", parallel=False)
forward_parallel = _variant(_forward, "parallel", parallel=True)
backward_target_sequential = _variant(_backward_target, "sequential", parallel=False)
backward_target_parallel = _variant(_backward_target, "parallel", parallel=True)
backward_source_sequential = _variant(_backward_source, "sequential", parallel=False)
backward_source_parallel = _variant(_backward_source, "parallel", parallel=True)
