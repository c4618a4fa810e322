"""Which tensors go to the Triton kernels."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

HAS_TRITON = find_spec("triton") is not None
"""Whether Triton is installed: CUDA builds of torch bring it on Linux."""


def on_triton(values: Tensor) -> bool:
    """Whether Triton kernels take these values: on a GPU, unless exported to run without this library."""
    return HAS_TRITON and values.device.type == "cuda" and not torch.compiler.is_exporting()
