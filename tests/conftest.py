"""Fixtures shared by all tests: where real data and golden numbers lie, and stand-ins torchvision needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsigraph.compat import mend_torchvision

mend_torchvision()

ROOT = Path(__file__).parents[1]


def _place(variable: str, default: Path) -> Path:
    place = Path(os.environ.get(variable, default)).resolve()
    if not place.exists():
        reason = f"{variable}={place} does not exist; set {variable} to where the data lies"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return place


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real slides and cohorts (``WSIGRAPH_DATA``)."""
    return _place("WSIGRAPH_DATA", ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def golden_file() -> Path:
    """Golden numbers of SRMIL (``WSIGRAPH_GOLDEN``)."""
    return _place("WSIGRAPH_GOLDEN", ROOT.parent / "shared" / "golden" / "srmil_official_golden.safetensors")


@pytest.fixture(scope="session")
def timm():
    """timm, importable beside a CPU build of torch."""
    return pytest.importorskip("timm")
