"""Made-up cohorts that differ in the strength of one effect, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from wsigraph.io.dial_png import Point, write_dials
from wsigraph.io.figure import COLOURS
from wsigraph.io.report.sections import Picture
from wsigraph.pipelines.benchmark.cohort_summary import CohortSummary
from wsigraph.pipelines.benchmark.method_summary import MethodSummary
from wsigraph.pipelines.benchmark.verdict import SHUFFLED

_NAME = re.compile(r"(.+)_([0-9]+(?:\.[0-9]+)?)")
_GRAPH, _SET, _LOST = "best graph", "best set", "best graph, shuffled coordinates"
_COLOURS = {_GRAPH: COLOURS[0], _SET: COLOURS[1], _LOST: COLOURS[5]}


def dials(folder: Path, cohorts: Iterable[CohortSummary]) -> list[Picture]:
    """AUC of the best methods over the strength of each effect of two strengths or more.

    Args:
        folder: Where pictures lie.
        cohorts: Those that are made up and of two classes count, where their names end in ``_<strength>``.
    """
    panels: dict[str, dict[str, list[Point]]] = {}
    for strength, effect, one in sorted(_made_up(cohorts), key=lambda found: found[:2]):
        lost = f"{one.best_graph}+{SHUFFLED}"
        names = {_GRAPH: one.best_graph, _SET: one.best_set, _LOST: lost}
        there = {m.name: m for m in one.methods}
        for group, name in names.items():
            if name in there:
                panels.setdefault(effect, {}).setdefault(group, []).append(_point(strength, there[name]))
    panels = {name: groups for name, groups in panels.items() if max(map(len, groups.values())) > 1}
    if not panels:
        return []
    write_dials(folder / "dials.png", dict(sorted(panels.items())), _COLOURS, metric="AUC")
    caption = (
        "Synthetic cohorts: the best methods over the strength of what the label depends on, 95 % intervals."
    )
    return [Picture(folder / "dials.png", caption)]


def _made_up(cohorts: Iterable[CohortSummary]) -> Iterable[tuple[float, str, CohortSummary]]:
    for one in cohorts:
        found = _NAME.fullmatch(one.name)
        if found and one.synthetic and one.classes == 2 and one.metric == "auc":
            yield float(found[2]), found[1], one


def _point(strength: float, method: MethodSummary) -> Point:
    return strength, method.value, method.low, method.high
