"""The Triton kernels: under Triton's interpreter on any Linux, on a GPU where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

CASES = Path(__file__).parent / "triton"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="triton is published for Linux only")


def assert_cases_pass(name, **environment):
    """A process of its own: Triton decides when it is imported whether to interpret."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    kept = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [*command, str(CASES / f"cases_{name}.py")],
        env={**kept, "OMP_NUM_THREADS": "1", **environment},
        cwd=CASES.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout


@on_linux
@pytest.mark.parametrize("name", ["attention", "aggregate"])
def test_interpreted(name):
    assert_cases_pass(name, TRITON_INTERPRET="1")


@on_linux
def test_compiled_for_a_gpu_that_is_not_here(tmp_path):
    assert_cases_pass("compile", TRITON_CACHE_DIR=str(tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["attention", "aggregate", "on_gpu"])
def test_on_the_gpu(name):
    assert_cases_pass(name)
