"""``wsigraph cohort``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import complain, emit, emit_json, emit_table


def cohort(
    name: Annotated[
        str | None, typer.Argument(help="A public data set; without it, all that are known are listed.")
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Argument(help="Published lists of its slides, or a folder of such lists.", show_default=False),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="The manifest to write, for 'wsigraph train'.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", help="A slide or patient to leave out, or 'odd': all known to be odd."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the manifest of a public data set: classes, patients, sites and the official split."""
    from wsigraph.io.cohorts.base import PublicCohort
    from wsigraph.io.cohorts.make import public_cohort, public_slides, write_manifest

    if name is None:
        known = [PublicCohort.registry.make(one) for one in PublicCohort.registry.names()]
        rows = [(one.name, one.title, ", ".join(one.classes), one.slides_from, one.licence) for one in known]
        columns = ("name", "data set", "classes", "slides", "licence")
        if json:
            emit_json({"cohorts": [dict(zip(columns, row, strict=True)) for row in rows]})
        else:
            emit_table(columns, rows)
        return
    public = public_cohort(name)
    if not lists or out is None:
        raise typer.BadParameter(f"Give a list of its slides and --out. {public.how_to_get}")
    slides = public_slides(public, lists, leave_out=leave_out or ())
    write_manifest(slides, out)
    notes = public.notes(slides)
    for note in notes:
        complain(note, word="note")
    counts = Counter((slide.split, slide.label) for slide in slides)
    patients = len({slide.patient_id for slide in slides})
    if json:
        rows_of = [{"split": split, "label": label, "slides": n} for (split, label), n in counts.items()]
        emit_json({"manifest": str(out), "patients": patients, "counts": rows_of, "notes": notes})
        return
    emit_table(("split", "class", "slides"), [(*part, n) for part, n in counts.items()])
    emit(f"{len(slides):,} slides of {patients:,} patients: {out}. {public.how_to_get}")
