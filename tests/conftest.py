"""Fixtures shared by all tests: where real data and golden numbers lie, and stand-ins torchvision needs."""

from __future__ import annotations

import os
import subprocess
import sys
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


WARM = """
import torch
from torch_geometric.data import Data
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe
for name in ("srmil", "srmil_code"):
    model, objectives = recipe(name, in_channels=6, classes=["a", "b"]).build()
    slides = make_slides(6, sizes=(40,))
    graph = Data(x=slides.x.float(), edge_index=slides.adjacency.edge_index, num_nodes=40)
    objectives(model, graph, target=torch.tensor([1])).total.backward()
    model.eval()
    with torch.no_grad():
        model(graph)
"""


def pytest_configure(config):
    """Compile the loops once, before any worker starts.

    Code that a process has just compiled and the same code read from Numba's cache round differently in the
    last digit, so that a run that was killed in the first process of all is resumed to rounding only.
    """
    kernels = Path(__file__).parents[1] / "wsigraph" / "nn" / "kernels"
    if "workerinput" not in vars(config) and not any(kernels.glob("__pycache__/*.nbi")):
        subprocess.run([sys.executable, "-c", WARM], check=True, cwd=kernels.parents[2])
