"""A manifest: a CSV or TSV that names slides, patients and what is known of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wsigraph.errors import CohortError, expected
from wsigraph.io.ids import check_id
from wsigraph.io.slide_names import Names


@dataclass(frozen=True)
class Entry:
    """One row of a manifest.

    Args:
        slide_id: Name of the slide, as its feature file has it.
        given_id: Name of the slide, as the manifest has it.
        patient_id: Name of its patient.
        path: Its feature file; None where it has none.
        cells: Text of the columns asked for.
        where: The row, as errors call it.
        split: Its side of an official split; empty where there is none.
        site: Where it comes from; empty where unknown.
    """

    slide_id: str
    given_id: str
    patient_id: str
    path: Path | None
    cells: Mapping[str, str]
    where: str
    split: str
    site: str


def read_manifest(
    manifest: Path, files: Mapping[str, Path], *, id_col: str, patient_col: str, columns: Sequence[str]
) -> tuple[list[Entry], bool]:
    """Read a manifest and find the feature file of each slide.

    Args:
        manifest: The file, with a header.
        files: Feature files by slide, as ``feature_files`` finds them.
        id_col: Column of slide ids; a slide suffix (``.svs``) or the UUID of TCGA's files may stand on one
            side only.
        patient_col: Column of patients.
        columns: Further columns to read.

    Returns: Its rows, and whether it has the column of patients; without one each slide is its own.
    Raises: CohortError: on missing columns, and unsafe or duplicate ids.
    """
    there = Names(tuple(files))
    rows = _read_rows(manifest, id_col, columns)
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        where = f"Manifest '{manifest.name}', line {number}"
        slide_id = check_id((row[id_col] or "").strip(), where=where)
        found = there.same_as(slide_id)
        name = found or slide_id  # 'A' and 'A.svs' are one slide
        if name in seen:
            raise CohortError(
                expected(
                    where,
                    "every slide id once",
                    f"'{slide_id}' again (first in line {seen[name]})",
                    todo="Remove one of the two rows.",
                )
            )
        seen[name] = number
        entries.append(
            Entry(
                slide_id=name,
                given_id=slide_id,
                patient_id=(row.get(patient_col) or "").strip() or name,
                path=None if found is None else files[found],
                cells={column: (row[column] or "").strip() for column in columns},
                where=f"{where}, slide '{slide_id}'",
                split=(row.get("split") or ""),
                site=(row.get("site") or ""),
            )
        )
    return entries, patient_col in rows[0]


def _read_rows(manifest: Path, id_col: str, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(expected(f"Manifest '{manifest}'", "a readable CSV file", f"{error}")) from error
    lines = text.splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    try:
        rows = list(csv.DictReader(lines, delimiter=delimiter, restval=""))
    except csv.Error as error:
        raise CohortError(expected(f"Manifest '{manifest}'", "a CSV file", f"{error}")) from error
    if not rows:
        raise CohortError(
            expected(f"Manifest '{manifest}'", "a header and at least one row", f"{len(lines)} lines")
        )
    for column, options in ((id_col, "--id-col"), *((name, _OPTIONS) for name in columns)):
        if column not in rows[0]:
            raise CohortError(
                expected(
                    f"Manifest '{manifest}'",
                    f"a column '{column}'",
                    f"columns {[c for c in rows[0] if c is not None]}",
                    todo=f"Name it with {options}.",
                )
            )
    return rows


_OPTIONS = (
    "--target-col (several at once with --task multilabel), of survival with --time-col and --event-col"
)
