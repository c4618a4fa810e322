"""Versions and hardware, as ``doctor`` shows them."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from wsigraph.io.openslide_check import openslide_version

PACKAGES = ("torch", "torch-geometric", "lightning", "numpy", "h5py", "openslide-python", "openslide-bin")


def examine_machine() -> dict[str, Any]:
    """Versions of what results depend on, and what this machine offers."""
    import torch

    return {
        "wsigraph": version("wsigraph"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        **{name: _version(name) for name in PACKAGES},
        "openslide_library": openslide_version(),
        "cpu_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": _gpu(),
        "timm": _version("timm"),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none: training runs on the CPU"
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return f"{', '.join(names)} (CUDA {torch.version.cuda})"
