"""Pictures of a benchmark's report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from wsigraph.io.cost_png import Costed, write_costs
from wsigraph.io.figure import COLOURS
from wsigraph.io.forest_png import Mark, write_forest
from wsigraph.io.label_curves_png import write_label_curves
from wsigraph.io.ranks_png import write_ranks
from wsigraph.io.report.sections import Picture
from wsigraph.pipelines.benchmark.cohort_summary import CohortSummary
from wsigraph.pipelines.benchmark.measured import Difference
from wsigraph.pipelines.benchmark.page_tables import metric_of
from wsigraph.pipelines.benchmark.summary import Summary
from wsigraph.pipelines.benchmark.verdict import SHUFFLED, choose

_GRAPH, _LOST = "best graph less best set", "best graph less itself on shuffled coordinates"
_ITSELF = "the graph method"


def overview(folder: Path, summary: Summary) -> list[Picture]:
    """The pair of each cohort, and what shuffling takes from its graph method."""
    rows = []
    for one in summary.cohorts:
        if one.gain is not None:
            lost = one.controls.get(SHUFFLED)
            marks = [_mark(_GRAPH, one.gain), *([_mark(_LOST, lost)] if lost else [])]
            rows.append((one.title, marks))
    if not rows:
        return []
    path, colours = folder / "overview.png", {_GRAPH: COLOURS[0], _LOST: COLOURS[1]}
    label = f"difference of {metrics(summary.cohorts)}"
    write_forest(path, rows, colours, label=label, margin=summary.margin)
    caption = (
        "Best graph less best set method of each cohort, and the graph method less itself on shuffled "
        f"coordinates, with 95 % intervals. Grey: differences below {summary.margin:g}."
    )
    return [Picture(path, caption)]


def forests(folder: Path, summary: Summary, *, synthetic: bool) -> list[Picture]:
    """Of each real or each made-up cohort every graph method and its controls, less the partner."""
    names = sorted({_control(pair) for one in summary.cohorts for pair in one.controlled})
    ordered = [SHUFFLED] * (SHUFFLED in names) + [name for name in names if name != SHUFFLED]
    hues = (COLOURS[1], COLOURS[4], COLOURS[3], COLOURS[5], COLOURS[2])
    colours = {_ITSELF: COLOURS[0]} | {name: hues[i % len(hues)] for i, name in enumerate(ordered)}
    pictures = []
    for one in [one for one in summary.cohorts if one.synthetic == synthetic]:
        rows = []
        for pair in sorted(one.family, key=lambda pair: -pair.value):
            own = [other for other in one.controlled if other.a.startswith(f"{pair.a}+")]
            own.sort(key=lambda other: ordered.index(_control(other)))
            rows.append((pair.a, [_mark(_ITSELF, pair), *(_mark(_control(other), other) for other in own)]))
        if rows:
            path = folder / f"forest-{one.name}.png"
            label = f"{metric_of(one)} less that of {one.partner}"
            write_forest(path, rows, colours, label=label, title=one.title, margin=summary.margin)
            caption = f"{one.title}: every graph method and its controls less {one.partner}, 95 % intervals."
            pictures.append(Picture(path, caption))
    return pictures


def curves(folder: Path, summary: Summary) -> list[Picture]:
    """Of the methods that were run with fewer labels the best graph and the best set, and the partner."""
    drawn = {}
    for one in summary.cohorts:
        ran = [m for m in one.methods if m.name in one.curves]
        best = [choose({m.name: m.val_loss for m in ran if m.kind == kind}) for kind in ("graph", "set")]
        names = dict.fromkeys(name for name in (*best, one.partner) if name)
        own = {name: one.curves[name] for name in names if name in one.curves}
        if own:
            drawn[one.title] = own
    if not drawn:
        return []
    there = [one for one in summary.cohorts if one.title in drawn]
    write_label_curves(folder / "labels.png", drawn, metric=metrics(there))
    return [Picture(folder / "labels.png", "With fewer labelled slides to learn from, 95 % intervals.")]


def costs(folder: Path, summary: Summary) -> list[Picture]:
    """What methods cost and how good they are; of made-up cohorts only where there is no other."""
    cohorts = [one for one in summary.cohorts if not one.synthetic] or summary.cohorts
    drawn = {
        one.title: [
            Costed(m.name, m.kind, m.cpu_seconds, m.value, m.low, m.high)
            for m in one.methods
            if m.plain and m.cpu_seconds > 0 and math.isfinite(m.value)
        ]
        for one in cohorts
    }
    drawn = {name: methods for name, methods in drawn.items() if methods}
    if not drawn:
        return []
    write_costs(folder / "costs.png", drawn, metric=metrics(cohorts))
    caption = "Median processor seconds of a cell against the metric; named: no cheaper method is better."
    return [Picture(folder / "costs.png", caption)]


def ranks(folder: Path, summary: Summary) -> list[Picture]:
    """Critical difference diagrams."""
    pictures = []
    for sort, table in summary.ranks.items():
        path = folder / f"ranks-{sort}.png"
        write_ranks(path, table)
        caption = (
            f"Mean ranks over {table.blocks} {sort} cohorts; a bar joins methods that are not told apart."
        )
        pictures.append(Picture(path, caption))
    return pictures


def metrics(cohorts: Sequence[CohortSummary]) -> str:
    """The metrics of several cohorts in words."""
    return " or ".join(dict.fromkeys(metric_of(one) for one in cohorts))


def _mark(group: str, one: Difference) -> Mark:
    return Mark(group, one.value, one.low, one.high)


def _control(pair: Difference) -> str:
    return pair.a.partition("+")[2]
