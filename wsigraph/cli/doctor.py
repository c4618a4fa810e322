"""``wsigraph doctor``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import SOME
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_finding, emit_json, emit_pairs

if TYPE_CHECKING:
    from wsigraph.pipelines.doctor import Checkup, Group

SHOWN, NAMED = 3, 10
"""Places of a finding that are shown with what was found there, and that are named at all."""


def doctor(
    path: Annotated[
        Path | None, typer.Argument(help="A folder of feature files, a manifest, or nothing.")
    ] = None,
    *,
    features: Annotated[
        Path | None, typer.Option("--features", help="Folder of the manifest's feature files.")
    ] = None,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    task: options.TaskName = "classification",
    tree: options.Tree = None,
    time_col: options.TimeCol = None,
    event_col: options.EventCol = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=0, help="Processes that read files; as many as help, if not given."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Check this installation, and a cohort before hours are spent on it."""
    from wsigraph.pipelines.doctor import Checkup, examine_files, examine_manifest
    from wsigraph.pipelines.doctor.installation import examine_installation
    from wsigraph.pipelines.question import question

    machine, found = examine_installation(path or "."), Checkup()
    with ScreenReporter() as reporter:
        if path is not None and (path.is_dir() or path.suffix not in (".csv", ".tsv", ".txt")):
            found = examine_files(path, workers=workers, reporter=reporter)
        elif path is not None:
            columns = options.columns(target_col, time_col=time_col, event_col=event_col)
            found = examine_manifest(
                path,
                features or path.parent,
                columns={"id_col": id_col, "patient_col": patient_col, "target_col": target_col},
                task=question("abmil", task, tree=tree, manifest=path, columns=columns),
                workers=workers,
                reporter=reporter,
            )
    groups = (*machine.groups, *found.groups)
    if json:
        emit_json({"machine": machine.facts, "facts": found.facts, "faults": _rows(groups)})
    else:
        _show(machine, found, path=path)
    if any(group.kind == "fault" for group in groups):
        raise typer.Exit(SOME)


def _rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [{**vars(fault), "todo": group.todo} for group in groups for fault in group.faults]


def _show(machine: Checkup, found: Checkup, *, path: Path | None) -> None:
    """What a person sees: the machine, the facts, and the findings, worst first."""
    from wsigraph.pipelines.doctor.sizes import histogram_lines

    emit_pairs(machine.facts, title="This machine")
    if path is not None:
        facts = dict(found.facts)
        sizes = facts.pop("sizes", {})
        if "encodings" in facts:
            facts["encodings"] = [_counted(kind, n) for kind, n in facts["encodings"].items()]
        emit_pairs(facts, title=f"\n{path}")
        if sizes:
            emit("\npatches per slide")
            emit("\n".join(f"  {line}" for line in histogram_lines(sizes)))
    groups = (*machine.groups, *found.groups)
    for group in groups:
        emit("")
        emit_finding(group.kind, f"{group.title} ({len(group.faults)})", _places(group), todo=group.todo)
    counts = {kind: sum(group.kind == kind for group in groups) for kind in ("fault", "warning")}
    told = " and ".join(f"{n} kind{'s' * (n > 1)} of {kind}" for kind, n in counts.items() if n)
    emit(f"\n{told or 'no fault'} found")


def _counted(kind: str, files: int) -> str:
    return f"{kind} ({files} file{'s' * (files != 1)})"


def _places(group: Group) -> list[str]:
    """The first few places with what was found there, the next by name, the rest counted."""
    lines = [f"{fault.where}: {fault.text}" for fault in group.faults[:SHOWN]]
    names = [fault.where for fault in group.faults[SHOWN:NAMED]]
    more = len(group.faults) - SHOWN - len(names)
    if names:
        lines.append(", ".join(names) + (f" and {more} more" if more > 0 else ""))
    return lines
