"""The highest memory of a process since it was last forgotten."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from wsigraph.io.memory import forget_peak, peak_memory


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of other systems does not forget a peak")
def test_an_array_that_came_and_went_is_in_the_peak_until_it_is_forgotten():
    before = forget_peak()
    np.ones(8_000_000)  # 64 MB
    after = peak_memory()
    assert 60e6 < after - before < 120e6
    forget_peak()
    assert peak_memory() < after - 50e6


def test_a_system_that_does_not_say(tmp_path):
    assert forget_peak(tmp_path / "none") is None
    assert peak_memory(tmp_path / "none") is None


def test_kilobytes_are_read_as_bytes(tmp_path):
    (tmp_path / "status").write_text("VmPeak:\t 9 kB\nVmHWM:\t     120 kB\nVmRSS:\t 100 kB\n")
    assert forget_peak(tmp_path) == 100 * 1024
    assert (tmp_path / "clear_refs").read_text() == "5"
    assert peak_memory(tmp_path) == 120 * 1024
