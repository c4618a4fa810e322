"""The page of cohorts has a row for each that is known, with its classes and published counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsigraph.io.cohorts.base import PublicCohort
from wsigraph.pipelines.split_cohort import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "cohorts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in PublicCohort.registry.names()
        if PublicCohort.registry.get(n).__module__.startswith("wsigraph.")
    ],
)
def test_a_cohort_has_its_row(name):
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` "))
    public = PublicCohort.registry.make(name)
    told = row.replace("ISUP 0 to 5", ", ".join(public.classes))
    assert all(word in told for word in public.classes)
    total = sum(public.published.values())
    assert f"{total:,}" in row or not total


def test_every_kind_of_split_has_its_row():
    assert [kind for kind in KINDS if f"| `{kind}` |" not in PAGE] == []
