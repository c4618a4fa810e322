"""A public cohort by name, on features of one's own, with its official split where it has one."""

from __future__ import annotations

from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.cohorts.base import PublicCohort
from wsigraph.io.cohorts.make import cohort as read_cohort
from wsigraph.io.splits import SplitSet
from wsigraph.pipelines.reporter import Reporter
from wsigraph.pipelines.split_cohort import SplitPlan, split_cohort

LISTS, TEST = "manifests", "test"


def is_public(name: str) -> bool:
    """Whether a public cohort is called so."""
    return name in PublicCohort.registry.names()


def public_contestants(
    name: str, *, data: Path | None, features: Path, out: Path, reporter: Reporter
) -> tuple[Cohort, SplitSet | None]:
    """The slides of a public cohort that have features, and its official split.

    Args:
        name: Of the cohort.
        data: Folder of real data, whose ``manifests`` hold the published lists.
        features: Feature files, as the tool left them.
        out: Folder for the manifest and the splits that were made of the lists.
        reporter: Hears of the progress.

    Returns: The cohort, and its official split; None where no slide is kept for testing.
    Raises: RunError: if there is no folder of lists. CohortError: if a list cannot be read, or no slide has
        features. LeakError: if the official split has a patient on two sides.
    """
    if data is None or not (data / LISTS).is_dir():
        what, todo = f"published lists in DIR/{LISTS}", "Give --data DIR, or a manifest of 'wsigraph cohort'."
        raise RunError(expected(f"Public cohort '{name}'", what, "none", todo=todo))
    cohort = read_cohort(name, data / LISTS, features=features, out=out / f"{name}.csv")
    if not any(slide.split == TEST for slide in cohort.slides):
        return cohort, None
    plan = SplitPlan("official")
    return cohort, split_cohort(plan, cohort, out=out / f"{name}_splits", reporter=reporter)[0]
