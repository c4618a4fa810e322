"""``wsigraph card``."""

from __future__ import annotations

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import complain, emit_json, emit_pairs, emit_table

SHOWN = ("num_nodes", "num_edges", "mean_degree", "isolated", "components", "longest_edge", "step", "mpp")
HEADINGS = ("slide", "nodes", "edges", "degree", "alone", "parts", "longest", "step", "mpp")


def card(
    features: options.Features,
    *,
    graph: options.Graph = "knn",
    k: options.K = None,
    option: options.GraphOption = None,
    json: options.Json = False,
) -> None:
    """Build the graph of each slide and say what it looks like, with warnings."""
    from wsigraph.pipelines.cards import cards

    asked = options.graph_options(option, k=k)
    with ScreenReporter() as reporter:
        found, failed = cards(features, graph=graph, options=asked, reporter=reporter)
    if json:
        emit_json({"graph": {"name": graph, **asked}, "cards": found, "failed": failed})
    elif len(found) == 1:
        (slide_id, only), *_ = found.items()
        emit_pairs(
            {"slide": slide_id, **{name: only[name] for name in only if name not in ("slide_id", "warnings")}}
        )
    elif found:
        emit_table(HEADINGS, [[slide, *(one[name] for name in SHOWN)] for slide, one in found.items()])
    for slide_id, one in found.items():
        for warning in one.get("warnings", ()):
            complain(f"{slide_id}: {warning}", word="warning")
    leave(len(found), failed, said=reporter.said)
