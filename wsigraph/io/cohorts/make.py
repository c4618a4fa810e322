"""A public cohort by name: its lists are read, its manifest is written, its feature files are found."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import write_text
from wsigraph.io.cohort import Cohort
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import read_table

Tables = str | Path | Sequence[str | Path]
"""A table, a folder of public lists, or several of them."""


def cohort(
    name: str | PublicCohort,
    tables: Tables,
    *,
    features: str | Path,
    out: str | Path,
    target_col: str | None = "label",
    task: str | Mapping[str, Any] | Task = "classification",
    leave_out: Sequence[str] = (),
) -> Cohort:
    """A public cohort with its classes, patients, sites and official split.

    The manifest is written to ``out``, where ``wsigraph train`` and files of splits find it too.

    Args:
        name: ``"camelyon16"`` and others, see ``PublicCohort.registry.names()``, or one itself.
        tables: A published list of its slides, several that belong together, or a folder of public lists.
        features: Folder of feature files, as the tool left it.
        out: The manifest to write.
        target_col: Column of classes, where the cohort has several; None reads none, for pretraining.
        task: What is asked; a cohort of a label tree has it as ``label_tree``, for ``Hierarchy``.
        leave_out: Slides or patients to leave out; ``"odd"`` names all that the cohort knows to be odd.

    Raises: CohortError: if a list cannot be read, or there are no features; it says where the slides are.
    """
    public = public_cohort(name)
    slides = public_slides(public, tables, leave_out=leave_out)
    write_manifest(slides, out)
    if not Path(features).is_dir():
        what = f"a folder of feature files of {len(slides):,} slides"
        raise CohortError(expected(f"Features '{features}'", what, "none", todo=public.how_to_get))
    told = {slide.more.get(target_col or "", slide.label) for slide in slides}
    classes = public.classes if told - {""} <= set(public.classes) else None
    one = Cohort.from_manifest(out, features=features, target_col=target_col, classes=classes, task=task)
    return replace(one, notes=(*one.notes, *public.notes(slides)))


def public_cohort(name: str | PublicCohort) -> PublicCohort:
    """A public cohort by name, or itself.

    Raises: UnknownPartError: if there is none of this name.
    """
    return name if isinstance(name, PublicCohort) else PublicCohort.registry.make(name)


def public_slides(name: str | PublicCohort, tables: Tables, *, leave_out: Sequence[str] = ()) -> list[Listed]:
    """The slides that published lists of a cohort name.

    Args:
        name: Its name, or the cohort.
        tables: As ``cohort`` takes them.
        leave_out: As ``cohort`` takes it.

    Raises: CohortError: if a list cannot be read, names a slide twice, or lacks one that is to be left out.
    """
    public = public_cohort(name)
    slides = public.read([read_table(path) for path in _files(public, tables)])
    counts = Counter(slide.slide_id for slide in slides)
    twice = sorted(slide_id for slide_id, count in counts.items() if count > 1)
    if twice or not slides:
        got = f"{twice[:5]} more than once" if twice else "no slide"
        raise CohortError(expected(public.title, "every slide once", got))
    known = {name for slide in slides for name in slide.names}
    unknown = sorted(set(leave_out) - known - set(public.odd) - {"odd"})
    if unknown:
        raise CohortError(expected(public.title, "slides or patients to leave out", f"{unknown}"))
    gone = {*leave_out, *(public.odd if "odd" in leave_out else ())}
    return [slide for slide in slides if not gone & set(slide.names)]


def write_manifest(slides: Sequence[Listed], out: str | Path) -> Path:
    """Write a manifest: ``slide_id,patient_id,label,split,site`` and further columns, without empty ones.

    Patients always stand in it, so that nobody takes them to be unknown where each slide is its own.
    """
    more = list(dict.fromkeys(column for slide in slides for column in slide.more))
    own = [c for c in ("label", "split", "site") if any(getattr(slide, c) for slide in slides)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["slide_id", "patient_id", *own, *more])
    for slide in slides:
        told = [getattr(slide, column) for column in own] + [slide.more.get(column, "") for column in more]
        writer.writerow([slide.slide_id, slide.patient_id, *told])
    write_text(out, text.getvalue())
    return Path(out)


def _files(public: PublicCohort, tables: Tables) -> list[Path]:
    """The tables themselves, or in a folder the first list that is there with all its files."""
    if not isinstance(tables, str | Path):
        return [file for table in tables for file in _files(public, table)]
    place = Path(tables)
    if not place.is_dir():
        return [place]
    for names in public.lists:
        if all((place / name).is_file() for name in names):
            return [place / name for name in names]
    raise CohortError(
        expected(
            f"Folder '{place}'",
            f"a list of {public.title}: one of {[' + '.join(names) for names in public.lists]}",
            "none",
            todo=public.how_to_get,
        )
    )
