"""Versions, kernels and hardware of this machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from wsigraph.io.disk import free_bytes
from wsigraph.io.memory import free_memory, total_memory
from wsigraph.io.openslide_check import openslide_version
from wsigraph.pipelines.doctor.fault import Checkup, Fault, worst_first
from wsigraph.pipelines.doctor.kernels import check_kernels

PACKAGES = (
    *("torch", "torch-geometric", "lightning", "numpy", "numba", "h5py"),
    *("openslide-python", "openslide-bin"),
)
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"encoders": ("timm", "huggingface_hub"), "scverse": ("anndata", "zarr"), "scatter": ("torch-scatter",)}
)
"""Optional packages by the extra that brings them."""
LITTLE_DISK = 1 << 30


def examine_installation(place: str | Path = ".") -> Checkup:
    """Versions of what results depend on, whether kernels compute what they should, and what is there.

    Args:
        place: A path on the disk whose room is told.
    """
    import torch

    told, faults = check_kernels()
    kernels, all_faults = [told], list(faults)
    if torch.cuda.is_available():
        told, faults = check_kernels("cuda")
        kernels.append(told)
        all_faults += faults
    library = openslide_version()
    if not library[:1].isdigit():
        all_faults.append(Fault("openslide", "OpenSlide", library))
    room = free_bytes(Path(place))
    if room < LITTLE_DISK:
        all_faults.append(Fault("disk", str(place), f"{_gigabytes(room)} GB free", "warning"))
    facts = {
        "wsigraph": version("wsigraph"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        **{name: _version(name) or "not installed" for name in PACKAGES},
        "openslide_library": library,
        "kernels": "; ".join(kernels),
        "gpu": _gpu(),
        "cpu_cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "memory": {"free_gb": _gigabytes(free_memory()), "total_gb": _gigabytes(total_memory())},
        "disk": {"free_gb": _gigabytes(room)},
        **{f"extra_{extra}": _extra(extra, names) for extra, names in EXTRAS.items()},
    }
    return Checkup(facts, worst_first(all_faults))


def _extra(extra: str, names: tuple[str, ...]) -> str:
    found = {name: _version(name) for name in names}
    if all(found.values()):
        return ", ".join(f"{name} {number}" for name, number in found.items())
    return f"not installed: pip install 'wsigraph[{extra}]'"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _gigabytes(size: int | None) -> float | None:
    return None if size is None else round(size / 1e9, 1)


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none: training runs on the CPU"
    found = (torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count()))
    cards = ", ".join(f"{card.name} ({_gigabytes(card.total_memory)} GB)" for card in found)
    return f"{cards}, CUDA {torch.version.cuda}"
