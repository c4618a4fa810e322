"""``predictions.csv`` over a label tree: the finest classes as for any classes, then each coarser level."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.labels import labels_of_names
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import LabelTreeError, RunError, expected
from wsigraph.evaluation.tree_rows import answered_lines, tree_row
from wsigraph.io.atomic import write_text
from wsigraph.io.predictions import read_csv

_PLACE = ("slide_id", "patient_id", "repeat", "fold", "split")


def write_tree_answers(path: str | Path, rows: Sequence[Estimate], task: Hierarchy) -> None:
    """Write answers at every level as CSV, probabilities in full precision.

    ``label``, ``pred`` and ``prob_<class>`` are of the finest level, ``label_<level>``, ``pred_<level>`` and
    ``<level>_prob_<class>`` of the others, finer ones first. An unknown label is an empty cell. The answers
    ``pred`` of a row are one line of the tree, so that they never contradict each other.

    Args:
        path: Where to.
        rows: The rows.
        task: Their task.

    Raises: RunError: if a row does not fit the tree.
    """
    tree, answers = task.label_tree, answered_lines(rows, task)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns_of(task))
    for row, line in zip(rows, answers, strict=True):
        labels = tree_row(row, task).labels
        cells: list[object] = [row.slide_id, row.patient_id, row.repeat, row.fold, row.split]
        for at in reversed(range(tree.num_levels)):
            names = tree.classes[at]
            cells += [names[labels[at]] if labels[at] >= 0 else "", names[line[at]]]
            cells += [repr(float(p)) for p in row.values[task.places[at]]]
        writer.writerow(cells)
    write_text(path, text.getvalue())


def columns_of(task: Hierarchy) -> list[str]:
    """Columns of the file."""
    tree, answers = task.label_tree, task.answer_columns(task.own_classes)
    found = [*_PLACE]
    for at in reversed(range(tree.num_levels)):
        end = "" if at == tree.num_levels - 1 else f"_{tree.levels[at]}"
        found += [f"label{end}", f"pred{end}", *answers[task.places[at]]]
    return found


def read_tree_answers(path: str | Path, task: Hierarchy) -> list[Estimate]:
    """Read answers written by :func:`write_tree_answers`.

    Args:
        path: The CSV.
        task: The task whose columns it must have.

    Raises: RunError: if the file is malformed or of another tree; the message names the row.
    """
    header, rows = read_csv(Path(path))
    columns = columns_of(task)
    if header != columns:
        raise RunError(
            expected(f"Predictions '{path}'", f"columns {','.join(columns)}", f"{','.join(header)}")
        )
    found = [_parse(f"Predictions '{path}', row {line}", columns, cells, task) for line, cells in rows]
    for (line, cells), answer in zip(rows, answered_lines(found, task), strict=True):
        _check_answer(f"Predictions '{path}', row {line}", columns, cells, task, answer)
    return found


def _parse(where: str, columns: Sequence[str], cells: Sequence[str], task: Hierarchy) -> Estimate:
    if len(cells) != len(columns):
        todo = "The file was cut or edited."
        raise RunError(expected(where, f"{len(columns)} cells", f"{len(cells)}", todo=todo))
    cell, tree = dict(zip(columns, cells, strict=True)), task.label_tree
    try:
        labels = labels_of_names(tree, [cell[name] for name in _named("label", task)], where=where)
        row = Estimate(
            cell["slide_id"],
            cell["patient_id"],
            tuple(float(cell[name]) for name in task.answer_columns(task.own_classes)),
            tuple(map(float, labels)) if labels[0] >= 0 else (),
            repeat=int(cell["repeat"]),
            fold=int(cell["fold"]),
            split=cell["split"],
        )
        tree_row(row, task)
    except ValueError as error:
        raise RunError(expected(where, "numbers in repeat, fold and probabilities", f"{error}")) from error
    except LabelTreeError as error:
        raise RunError(str(error)) from error
    except RunError as error:
        raise RunError(f"{where}: {error}") from error
    return row


def _named(kind: str, task: Hierarchy) -> list[str]:
    """Columns ``label`` or ``pred`` of each level, coarse to fine."""
    levels = task.label_tree.levels
    return [*(f"{kind}_{level}" for level in levels[:-1]), kind]


def _check_answer(
    where: str, columns: Sequence[str], cells: Sequence[str], task: Hierarchy, answer: Sequence[int]
) -> None:
    cell: Mapping[str, str] = dict(zip(columns, cells, strict=True))
    said = [cell[name] for name in _named("pred", task)]
    wanted = [names[k] for names, k in zip(task.label_tree.classes, answer, strict=True)]
    if said != wanted:
        raise RunError(expected(where, f"the answer {wanted} of its probabilities", f"{said}"))
