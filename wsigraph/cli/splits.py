"""``wsigraph splits``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json, emit_table


def splits(
    manifest: Annotated[Path, typer.Argument(help="CSV or TSV with slide_id, patient_id and label.")],
    *,
    out: options.OutDir,
    kind: Annotated[str, typer.Option("--kind", help="kfold, nested, leave-site-out or official.")] = "kfold",
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, help="Folds; 5, or one for each site, if not given.")
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="How often k folds are drawn.")] = 1,
    inner_folds: Annotated[
        int | None, typer.Option("--inner-folds", min=2, help="Folds inside each fold of nested splits; 3.")
    ] = None,
    seed: options.Seed = 0,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="Check and keep splits of CLAM or Patho-Bench, in place of drawn ones."),
    ] = None,
    keep_overlap: Annotated[
        bool,
        typer.Option(
            "--keep-overlap", help="Keep patients that official or given splits have on several sides."
        ),
    ] = False,
    features: Annotated[
        Path | None,
        typer.Option(
            "--features", help="Feature files: slides without are left out, copies of a slide are refused."
        ),
    ] = None,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    task: options.TaskName = "classification",
    tree: options.Tree = None,
    time_col: options.TimeCol = None,
    event_col: options.EventCol = None,
    json: options.Json = False,
) -> None:
    """Write splits by patient, for 'train --splits', CLAM and Patho-Bench; leaks are refused."""
    from wsigraph.io.cohort import Cohort
    from wsigraph.pipelines.question import question
    from wsigraph.pipelines.split_cohort import SplitPlan, split_cohort

    plan = SplitPlan(
        kind,
        folds=folds,
        repeats=repeats,
        inner_folds=inner_folds,
        seed=seed,
        given=given,
        keep_overlap=keep_overlap,
    )
    read = options.columns(target_col, time_col=time_col, event_col=event_col)
    asked = question("abmil", task, tree=tree, manifest=manifest, columns=read)
    columns = {"id_col": id_col, "patient_col": patient_col, "target_col": target_col}
    if features is None:
        cohort = Cohort.of_labels(manifest, **columns, task=asked)
    else:
        cohort = Cohort.from_manifest(manifest, features=features, **columns, task=asked)
    with ScreenReporter() as reporter:
        for note in cohort.notes:
            reporter.say(f"note: {note}")
        found = split_cohort(plan, cohort, out=out, features=features is not None, reporter=reporter)
    rows = [
        (split.repeat, split.fold, *(len(names) for names in split.sides.values()))
        for split in found[0].splits
    ]
    if json:
        names = ("repeat", "fold", "train", "val", "test")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        facts = {"kind": found[0].kind, "checked": found[0].checked, "overlap": found[0].overlap}
        emit_json({"out": str(out), **facts, "splits": told})
        return
    emit_table(("repeat", "fold", "train", "val", "test"), rows)
    looked, kept = ", ".join(found[0].checked), found[0].overlap
    leak = f"{len(kept)} patients on several sides, kept as asked" if kept else f"no leak of {looked}"
    emit(f"{leak}; splits: {out}. Use them: wsigraph train --splits {out}")
