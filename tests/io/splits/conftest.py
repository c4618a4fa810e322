"""A cohort of named slides without files, for splits read and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsigraph.io.cohort import Cohort, Slide


@pytest.fixture
def cohort():
    """Twelve slides of ten patients, two classes; S0 and S10 are of patient p0, S1 and S11 of p1."""
    slides = tuple(
        Slide(f"S{i}", f"p{i % 10}", "ab"[i % 2], Path(f"S{i}.h5"), site=f"site{i % 3}") for i in range(12)
    )
    return Cohort(slides, ("a", "b"), source={"manifest": "labels.csv", "sha256": "ab" * 32})
