"""The table of verbs, and what becomes of an error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from wsigraph.cli import exit as leaving
from wsigraph.cli.benchmark import benchmark
from wsigraph.cli.card import card
from wsigraph.cli.cite import cite
from wsigraph.cli.cohort import cohort
from wsigraph.cli.convert import convert
from wsigraph.cli.demo import demo
from wsigraph.cli.doctor import doctor
from wsigraph.cli.embed import embed
from wsigraph.cli.encode import encode
from wsigraph.cli.evaluate import evaluate
from wsigraph.cli.export import export
from wsigraph.cli.heatmap import heatmap
from wsigraph.cli.merge import merge
from wsigraph.cli.mine import mine
from wsigraph.cli.models import models
from wsigraph.cli.pack import pack
from wsigraph.cli.predict import predict
from wsigraph.cli.probe import probe
from wsigraph.cli.screen import complain
from wsigraph.cli.slurm import slurm
from wsigraph.cli.splits import splits
from wsigraph.cli.tile import tile
from wsigraph.cli.train import train
from wsigraph.errors import WsigraphError

START, SLIDES, MODELS, HELP = "Start here", "Slides to graphs", "Graphs to answers", "Look up"


def build() -> typer.Typer:
    """The application with all its verbs."""
    app = typer.Typer(
        name="wsigraph",
        help="Whole-slide images as spatial graphs. For research only, not for diagnosis.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for panel, verbs in {
        START: (demo, doctor),
        SLIDES: (tile, encode, pack, card, convert),
        MODELS: (
            cohort,
            splits,
            train,
            benchmark,
            probe,
            mine,
            merge,
            evaluate,
            predict,
            embed,
            heatmap,
            export,
        ),
        HELP: (models, cite),
    }.items():
        for verb in verbs:
            app.command(rich_help_panel=panel)(verb)
    app.command(rich_help_panel=MODELS, context_settings={"allow_interspersed_args": False})(slurm)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error of ours is one line, not a traceback."""
    try:
        build()(args=None if arguments is None else list(arguments), prog_name="wsigraph")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else leaving.DONE
    except WsigraphError as error:
        complain(str(error))
        return leaving.code_of(error)
    except OSError as error:  # a full disk, a folder without rights: the system's own words say it best
        complain(str(error))
        return leaving.NOTHING
    return leaving.DONE


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"wsigraph {version('wsigraph')}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Whole-slide images as spatial graphs. For research only, not for diagnosis."""
