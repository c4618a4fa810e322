"""How loops are compiled and started: one source, run in sequence or over threads, cached on disk.

Numba's cache looks only at the file of the function it compiles: after a change to a loop that another file
calls, clear that file's ``__pycache__``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numba
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

BLOCK = 64
"""Rows that a thread takes at a time; fixed, so that no result depends on the number of threads."""

PARALLEL_FROM = 1 << 18
"""Numbers to read below which starting threads costs more than it saves."""

_MATHS = {"reassoc", "contract", "nsz"}  # without nnan and ninf: infinite and missing values stay so

row_loop = numba.njit(nogil=True, error_model="numpy", fastmath=_MATHS, forceinline=True)
"""Compiles a loop over some rows into the loops that call it.

Not a function of its own: that would be compiled twice, by itself and inside its caller, and which of the two
runs, with another last digit, would depend on whether the caller was compiled now or read from the cache.
"""


@dataclass(frozen=True)
class Loop:
    """Both variants of one loop over blocks of rows.

    Args:
        sequential: For small inputs and loader workers.
        parallel: Over threads.
    """

    sequential: Any
    parallel: Any

    def __call__(self, work: int, *values: Any) -> None:
        """Run it.

        Args:
            work: Numbers to read, which decide whether threads pay.
            values: Tensors and numbers, in the loop's order.
        """
        before = torch.get_num_threads()
        arrays = [v.detach().numpy() if isinstance(v, Tensor) else v for v in values]
        # OpenMP kills a forked worker once its parent has used it
        alone = work < PARALLEL_FROM or before == 1 or get_worker_info() is not None
        threads = 1 if alone else min(before, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
        if threads == 1:
            self.sequential(*arrays)
            return
        numba.set_num_threads(threads)
        self.parallel(*arrays)
        if torch.get_num_threads() != before:  # Numba sets OpenMP's number when it first loads, torch's too
            torch.set_num_threads(before)


def block_loop(loop: Any) -> Loop:
    """Compile a loop over ``numba.prange`` twice.

    Each gets a name of its own: Numba's cache tells variants apart by name, not by options.
    """
    return Loop(_variant(loop, "sequential", parallel=False), _variant(loop, "parallel", parallel=True))


def _variant(loop: Any, ending: str, *, parallel: bool) -> Any:
    name = f"{loop.__name__}_{ending}"
    twin = FunctionType(loop.__code__.replace(co_name=name), loop.__globals__, name)
    twin.__qualname__ = name
    return numba.njit(cache=True, nogil=True, error_model="numpy", parallel=parallel)(twin)
