"""``predictions.csv`` of any task: of classes as ``wsigraph.io.predictions`` has it, over a label tree as
``wsigraph.io.tree_answers`` has it, else by its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import Task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.io import predictions as of_classes
from wsigraph.io.estimates import read_estimates, write_estimates
from wsigraph.io.tree_answers import read_tree_answers, write_tree_answers

Rows = Sequence[Prediction] | Sequence[Estimate]
"""Rows of one task: one class per slide, or anything else."""


def write_predictions(path: str | Path, rows: Rows, task: Task, classes: Sequence[str]) -> None:
    """Write the rows of a task.

    Args:
        path: Where to.
        rows: The rows.
        task: What was asked.
        classes: Names of classes, labels or values, in order.

    Raises: RunError: if a row does not fit the task.
    """
    if task.one_class:
        of_classes.write_predictions(path, cast(Sequence[Prediction], rows), classes)
    elif isinstance(task, Hierarchy):
        write_tree_answers(path, cast(Sequence[Estimate], rows), task)
    else:
        write_estimates(path, cast(Sequence[Estimate], rows), task, classes)


def read_predictions(
    path: str | Path, task: Task, classes: Sequence[str]
) -> list[Prediction] | list[Estimate]:
    """Read the rows of a task.

    Args:
        path: The CSV.
        task: What was asked.
        classes: Names that the file must have, in this order.

    Raises: RunError: if the file is malformed or of another task; the message names the row.
    """
    if task.one_class:
        return of_classes.read_predictions(path, classes=classes)
    if isinstance(task, Hierarchy):
        return read_tree_answers(path, task)
    return read_estimates(path, task, classes)
