"""Which tensors go to which kernels."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

HAS_TRITON = find_spec("triton") is not None
"""Whether Triton is installed: CUDA builds of torch bring it on Linux."""


def on_triton(values: Tensor) -> bool:
    """Whether Triton kernels take these values: on a GPU, unless exported to run without this library."""
    return HAS_TRITON and values.device.type == "cuda" and not torch.compiler.is_exporting()


def on_numba(values: Tensor) -> bool:
    """Whether Numba loops take these values: on a CPU in single or double precision, run as they are."""
    known = values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64)
    return known and not torch.compiler.is_compiling()
