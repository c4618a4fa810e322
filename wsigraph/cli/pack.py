"""``wsigraph pack``."""

from __future__ import annotations

from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit_json, emit_pairs


def pack(
    features: options.Features,
    *,
    out: options.OutDir,
    graph: options.Graph = "knn",
    k: options.K = None,
    option: options.GraphOption = None,
    edges: Annotated[bool, typer.Option(help="Keep the edges of each graph beside.")] = True,
    json: options.Json = False,
) -> None:
    """Write feature files of any layout again as DIR/<slide_id>.h5: float16, quick to read, with edges."""
    from wsigraph.pipelines.cards import make_builder
    from wsigraph.pipelines.pack import pack_files

    builder = make_builder(graph, options.graph_options(option, k=k)) if edges else None
    with ScreenReporter() as reporter:
        packed = pack_files(features, out, builder=builder, reporter=reporter)
    if json:
        emit_json({"out": str(out), **vars(packed)})
    else:
        emit_pairs(
            {
                "packed": len(packed.done),
                "whole already": len(packed.skipped),
                "failed": len(packed.failed),
                "before": f"{packed.bytes_before / 1e6:,.1f} MB",
                "after": f"{packed.bytes_after / 1e6:,.1f} MB",
                "out": out,
            }
        )
    leave(len(packed.done) + len(packed.skipped), packed.failed, said=reporter.said)
