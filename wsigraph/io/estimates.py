"""``predictions.csv`` of tasks other than classes: targets and answers side by side, columns by task."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from wsigraph.data.estimate import Estimate
from wsigraph.data.tasks.base import Task
from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import write_text
from wsigraph.io.predictions import read_csv

_PLACE = ("slide_id", "patient_id", "repeat", "fold", "split")


def write_estimates(
    path: str | Path, estimates: Iterable[Estimate], task: Task, classes: Sequence[str]
) -> None:
    """Write estimates as CSV, numbers in full precision; what is unknown is an empty cell.

    Args:
        path: Where to.
        estimates: The rows.
        task: Names the columns.
        classes: Names of labels or values, in order.

    Raises: RunError: if a row does not have one number per column.
    """
    targets, answers = task.target_columns(classes), task.answer_columns(classes)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_PLACE, *targets, *answers])
    for row in estimates:
        if len(row.values) != len(answers) or len(row.target) not in (0, len(targets)):
            raise RunError(
                expected(
                    f"Estimate '{row.slide_id}'",
                    f"{len(answers)} values and {len(targets)} targets",
                    f"{len(row.values)} and {len(row.target)}",
                )
            )
        known = row.target or (math.nan,) * len(targets)
        place = [row.slide_id, row.patient_id, row.repeat, row.fold, row.split]
        writer.writerow([*place, *map(_cell, known), *map(_cell, row.values)])
    write_text(path, text.getvalue())


def read_estimates(path: str | Path, task: Task, classes: Sequence[str]) -> list[Estimate]:
    """Read estimates written by :func:`write_estimates`.

    Args:
        path: The CSV.
        task: The task whose columns it must have.
        classes: Names of labels or values, in order.

    Raises: RunError: if the file is malformed or of another task; the message names the row.
    """
    header, rows = read_csv(Path(path))
    targets, answers = task.target_columns(classes), task.answer_columns(classes)
    columns = [*_PLACE, *targets, *answers]
    if header != columns:
        raise RunError(
            expected(f"Predictions '{path}'", f"columns {','.join(columns)}", f"{','.join(header)}")
        )
    return [
        _parse(f"Predictions '{path}', row {line}", cells, len(columns), len(targets)) for line, cells in rows
    ]


def _cell(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _parse(where: str, cells: list[str], width: int, num_targets: int) -> Estimate:
    if len(cells) != width:
        todo = "The file was cut or edited."
        raise RunError(expected(where, f"{width} cells", f"{len(cells)}", todo=todo))
    slide_id, patient_id, repeat, fold, split = cells[: len(_PLACE)]
    try:
        numbers = [float(cell) if cell else math.nan for cell in cells[len(_PLACE) :]]
        target = tuple(numbers[:num_targets])
        known = not all(map(math.isnan, target))
        return Estimate(
            slide_id,
            patient_id,
            tuple(numbers[num_targets:]),
            target if known else (),
            repeat=int(repeat),
            fold=int(fold),
            split=split,
        )
    except ValueError as error:
        raise RunError(expected(where, "numbers in repeat, fold, targets and values", f"{error}")) from error
    except RunError as error:
        raise RunError(f"{where}: {error}") from error
