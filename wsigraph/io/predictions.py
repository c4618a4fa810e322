"""``predictions.csv`` and ``patients.csv``: one row per slide (or patient) and repeat."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import write_text

_COLUMNS = ("slide_id", "patient_id", "repeat", "fold", "split", "label", "pred")
_PREFIX = "prob_"


def write_predictions(path: str | Path, predictions: Iterable[Prediction], classes: Sequence[str]) -> None:
    """Write predictions as CSV, probabilities in full precision.

    ``label`` and ``pred`` are class names; an unknown label is an empty cell.

    Args:
        path: Where to.
        predictions: The rows.
        classes: Class names in order of the probabilities.

    Raises: RunError: if a row does not have one probability per class.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"{_PREFIX}{name}" for name in classes)])
    for row in predictions:
        if len(row.probabilities) != len(classes) or row.label >= len(classes):
            raise RunError(
                expected(
                    f"Prediction '{row.slide_id}'",
                    f"{len(classes)} probabilities and a label below {len(classes)} ({list(classes)})",
                    f"{len(row.probabilities)} and label {row.label}",
                )
            )
        label = classes[row.label] if row.label >= 0 else ""
        facts = [row.slide_id, row.patient_id, row.repeat, row.fold, row.split, label, classes[row.pred]]
        writer.writerow([*facts, *(repr(float(p)) for p in row.probabilities)])
    write_text(path, text.getvalue())


def read_predictions(path: str | Path, *, classes: Sequence[str] | None = None) -> list[Prediction]:
    """Read predictions written by :func:`write_predictions`.

    Args:
        path: The CSV.
        classes: Class names the file must have, in this order; None takes the file's own.

    Raises: RunError: if the file is malformed; the message names the row.
    """
    header, rows = read_csv(Path(path))
    found = _classes(Path(path), header)
    if classes is not None and tuple(classes) != found:
        raise RunError(expected(f"Predictions '{path}'", f"classes {list(classes)}", f"{list(found)}"))
    number = {name: index for index, name in enumerate(found)}
    return [_parse(f"Predictions '{path}', row {line}", header, cells, number) for line, cells in rows]


def read_classes(path: str | Path) -> tuple[str, ...]:
    """Class names of a predictions file, in order of its columns."""
    return _classes(Path(path), read_csv(Path(path))[0])


def read_csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and the other rows with the line each ends on.

    Raises: RunError: if the file cannot be read, or is empty.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunError(expected(f"Predictions '{path}'", "a readable CSV", f"{error}")) from error
    if not rows:
        raise RunError(expected(f"Predictions '{path}'", f"a header {','.join(_COLUMNS)}", "an empty file"))
    return rows[0][1], rows[1:]


def _classes(path: Path, header: list[str]) -> tuple[str, ...]:
    fixed, probabilities = header[: len(_COLUMNS)], header[len(_COLUMNS) :]
    names = tuple(name.removeprefix(_PREFIX) for name in probabilities)
    well = all(name.startswith(_PREFIX) for name in probabilities) and len(set(names)) == len(names) > 1
    if tuple(fixed) != _COLUMNS or not well:
        raise RunError(
            expected(
                f"Predictions '{path}'",
                f"columns {','.join(_COLUMNS)} and one {_PREFIX}<class> for each of two or more classes",
                f"{','.join(header)}",
            )
        )
    return names


def _parse(where: str, header: list[str], cells: list[str], number: dict[str, int]) -> Prediction:
    if len(cells) != len(header):
        todo = "The file was cut or edited."
        raise RunError(expected(where, f"{len(header)} cells", f"{len(cells)}", todo=todo))
    row = dict(zip(header, cells, strict=True))
    for column in ("label", "pred"):
        if row[column] not in number and not (column == "label" and row[column] == ""):
            raise RunError(expected(where, f"a {column} among {list(number)}", f"'{row[column]}'"))
    try:
        found = Prediction(
            slide_id=row["slide_id"],
            patient_id=row["patient_id"],
            probabilities=tuple(float(row[f"{_PREFIX}{name}"]) for name in number),
            label=number.get(row["label"], -1),
            repeat=int(row["repeat"]),
            fold=int(row["fold"]),
            split=row["split"],
        )
    except ValueError as error:
        raise RunError(expected(where, "numbers in repeat, fold and probabilities", f"{error}")) from error
    except RunError as error:
        raise RunError(f"{where}: {error}") from error
    if found.probabilities[number[row["pred"]]] < max(found.probabilities) - 1e-6:
        raise RunError(
            expected(
                where, f"pred to be the most probable class, '{list(number)[found.pred]}'", f"'{row['pred']}'"
            )
        )
    return found
