"""``wsigraph demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json, emit_table, interval


def demo(
    out: options.OutDir = Path("demo_out"),
    slides: Annotated[
        str, typer.Option("--slides", help="How many synthetic slides; 'small' is a quick look at all steps.")
    ] = "40",
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Synthetic slides -> graphs -> two trained models -> report, with no download. Nothing here is real."""
    from wsigraph.pipelines.demo import demo as run_demo
    from wsigraph.pipelines.demo import plan

    with ScreenReporter() as reporter:
        result = run_demo(out, plan=plan(slides), seed=seed, reporter=reporter)
    if json:
        emit_json(result.to_dict())
    else:
        emit_table(
            ("SYNTHETIC slides, out of fold", "AUC", "accuracy"),
            [
                (name, interval(metrics["slide"].get("auc")), interval(metrics["slide"].get("accuracy")))
                for name, metrics in result.metrics.items()
            ],
        )
        emit(result.verdict)
        emit(f"open {result.page}")
    leave(1, result.failed, said=reporter.said)
