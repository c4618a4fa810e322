"""``wsigraph doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import SOME
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import complain, emit, emit_json, emit_pairs


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
    json: options.Json = False,
) -> None:
    """Check this installation, and a cohort before hours are spent on it."""
    from wsigraph.pipelines.doctor import Checkup, examine_files, examine_manifest
    from wsigraph.pipelines.machine import examine_machine
    from wsigraph.pipelines.question import question

    machine, report = examine_machine(), Checkup()
    if path is not None:
        with ScreenReporter() as reporter:
            if path.is_dir():
                report = examine_files(path, reporter=reporter)
            else:
                columns = {"id_col": id_col, "patient_col": patient_col, "target_col": target_col}
                asked = question("abmil", task, tree=tree, manifest=path, columns={"target_col": target_col})
                report = examine_manifest(
                    path, features or path.parent, columns=columns, task=asked, reporter=reporter
                )
    if json:
        emit_json({"machine": machine, "facts": report.facts, "faults": list(map(vars, report.faults))})
    else:
        emit_pairs(machine, title="This machine")
        if path is not None:
            emit_pairs(report.facts, title=f"\n{path}")
            emit(f"\n{len(report.faults)} found" if report.faults else "\nno fault found")
    for fault in report.faults:
        complain(f"{fault.where}: {fault.text}", word=fault.kind)
    if any(fault.kind == "fault" for fault in report.faults):
        raise typer.Exit(SOME)
