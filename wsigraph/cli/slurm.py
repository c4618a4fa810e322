"""``wsigraph slurm``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import emit
from wsigraph.cli.train import train


def slurm(
    words: Annotated[
        list[str],
        typer.Argument(help="train and all that belongs to it, as it is typed.", show_default=False),
    ],
    *,
    script: Annotated[Path, typer.Option("--script", help="Where the script goes.", show_default=False)],
    sbatch: Annotated[
        list[str] | None,
        typer.Option("--sbatch", help="Option of sbatch for the folds: time=4:00:00, gres=gpu:1."),
    ] = None,
    sbatch_merge: Annotated[
        list[str] | None,
        typer.Option("--sbatch-merge", help="Option of sbatch that is another for the joining job."),
    ] = None,
    setup: Annotated[
        list[str] | None,
        typer.Option("--setup", help="Line of shell before each job, such as 'module load cuda'."),
    ] = None,
) -> None:
    """Write a script for Slurm: an array of folds, then a job that merges them."""
    if words[0] != "train":
        raise typer.BadParameter(f"Expected 'train' and its arguments after the options, got '{words[0]}'.")
    asked = _parsed(words[1:])
    from wsigraph.pipelines.slurm import ArrayJob, write_array_script

    job = ArrayJob(
        words=_without_out(words[1:]),
        out=asked["out"],
        folds=_folds(asked),
        program=(sys.executable, "-m", "wsigraph"),
        folder=Path.cwd(),
        setup=setup or (),
        sbatch=options.changes(sbatch or [], option="--sbatch"),
        sbatch_merge=options.changes(sbatch_merge or [], option="--sbatch-merge"),
    )
    write_array_script(script, job)
    emit(f"{job.folds} folds and a merge: {script}. Submit: bash {script}")


def _parsed(words: list[str]) -> dict[str, Any]:
    """The arguments as ``train`` reads them; what it would refuse is refused here, before anything queues."""
    app = typer.Typer(add_completion=False)
    app.command()(train)
    return typer.main.get_command(app).make_context("wsigraph train", list(words)).params


def _folds(asked: dict[str, Any]) -> int:
    """How many jobs there are.

    Raises: typer.BadParameter: if one fold was chosen already, or there are none.
    """
    from wsigraph.pipelines.train import USUAL_FOLDS, TrainPlan

    if asked["fold"] is not None:
        raise typer.BadParameter("Leave --fold out: every fold becomes a job.")
    if asked["splits"] is not None:
        from wsigraph.io.splits import read_splits

        return read_splits(asked["splits"]).folds
    if TrainPlan(asked["recipe"], folds=asked["folds"]).pretrains:
        raise typer.BadParameter("Label-free pretraining without --folds is one job: it needs no array.")
    return asked["folds"] or USUAL_FOLDS


def _without_out(words: list[str]) -> list[str]:
    """The words less ``--out`` and its value: each fold has a folder of its own."""
    kept, skip = [], False
    for word in words:
        if skip or word.startswith("--out="):
            skip = False
        elif word == "--out":
            skip = True
        else:
            kept.append(word)
    return kept
