"""Whatever reading refuses the doctor reports, and no damage ends it."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import WsigraphError
from wsigraph.io.features import read_features
from wsigraph.pipelines.doctor.look import look


def refused(path):
    try:
        read_features(path)
    except WsigraphError:
        return True
    return False


@pytest.mark.parametrize("layout", ["wsigraph", "trident"])
def test_damaged_files_end_in_findings(planted, layout):
    path = planted.path(0) if layout == "wsigraph" else planted.trident(0, step=256, stated=256)
    whole, rng, refusals = path.read_bytes(), np.random.default_rng(0), 0
    for case in range(60):
        damaged = bytearray(whole)
        if case % 3:
            for place in rng.integers(0, len(whole), 4):
                damaged[place] ^= 1 << int(rng.integers(8))
        else:
            del damaged[int(rng.integers(1, len(whole))) :]
        path.write_bytes(damaged)
        faults = [fault for fault in look(path).faults if fault.kind == "fault"]
        if refused(path):
            refusals += 1
            assert faults, f"case {case} is refused by the reader and sound to the doctor"
    assert refusals > 20
