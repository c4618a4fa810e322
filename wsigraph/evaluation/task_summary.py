"""Everything ``metrics.json`` says of a run, whatever its task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import Task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.estimates import estimates_of_patients, sample_of_estimates, scored_estimates
from wsigraph.evaluation.hierarchy_summary import summarise_hierarchy
from wsigraph.evaluation.intervals import Interval
from wsigraph.evaluation.sample import Sample
from wsigraph.evaluation.summary import (
    as_plain,
    counts,
    each_intervals,
    how_made,
    overall_intervals,
    summarise,
)
from wsigraph.evaluation.tables import TABLES, Table


def table_of(task: Task) -> Table:
    """The metrics of a task.

    Raises: RunError: if none are known for it.
    """
    if task.name not in TABLES:
        raise RunError(expected("Metrics", f"a task of {list(TABLES)}", f"'{task.name}'"))
    return TABLES[task.name]


def summarise_task(
    rows: Sequence[Prediction] | Sequence[Estimate],
    task: Task,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics of a task at slide and at patient level, with 95 % intervals by resampling patients.

    Args:
        rows: Rows of a run.
        task: What was asked.
        classes: Names of its classes, labels or values, in order.
        resamples: Resamples of the patients.
        seed: Of the resampling.

    Returns: As ``summarise`` does; for other tasks than classification also ``"task"``. Without classes there
        is no ``"confusion"``, and ``"per_class"`` holds labels or values, or nothing.
    Raises: RunError: if nothing can be scored, or rows do not fit the task.
    """
    table = table_of(task)
    if isinstance(task, Hierarchy):
        return summarise_hierarchy(cast(Sequence[Estimate], rows), task, resamples=resamples, seed=seed)
    if task.one_class:
        found = summarise(
            cast(Sequence[Prediction], rows), classes, resamples=resamples, seed=seed, table=table
        )
        return found if task.name == "classification" else {"task": task.name, **found}
    estimates = cast(Sequence[Estimate], rows)
    sample = _sample(estimates, task, classes)
    slide = overall_intervals(sample, table.overall, resamples=resamples, seed=seed)
    patients, contradicting = estimates_of_patients(scored_estimates(estimates))
    patient: dict[str, Interval] = {}
    if patients:
        patient = overall_intervals(
            sample_of_estimates(patients), table.overall, resamples=resamples, seed=seed
        )
    each = each_intervals(sample, table.each, classes, resamples=resamples, seed=seed)
    support = _support(sample, classes, labels=task.of_classes)
    scored = scored_estimates(estimates)
    return {
        "task": task.name,
        "classes": list(classes),
        **as_plain(slide, patient, each, support=support),
        "counts": counts(estimates, sample, scored=scored, contradicting=len(contradicting)),
        "intervals": how_made(slide, patient, each, resamples=resamples, seed=seed),
    }


def _sample(rows: Sequence[Estimate], task: Task, classes: Sequence[str]) -> Sample:
    sample = sample_of_estimates(rows)
    wanted = len(task.target_columns(classes)), len(task.answer_columns(classes))
    first = sample.repeats[0]
    got = first.labels.shape[1] - 1, first.probabilities.shape[1]
    if wanted != got:
        raise RunError(
            expected(f"Task '{task.name}'", f"rows of {wanted[0]} targets and {wanted[1]} values", f"{got}")
        )
    return sample


def _support(sample: Sample, names: Sequence[str], *, labels: bool) -> dict[str, int]:
    """Slides that have each label, or of which each value is known; a slide counts once."""
    rows = {s: row for part in sample.repeats for s, row in zip(part.slides, part.labels, strict=True)}
    targets = np.array(list(rows.values()))
    return {
        name: int((targets[:, k] == 1.0).sum() if labels else (~np.isnan(targets[:, k])).sum())
        for k, name in enumerate(names)
    }
