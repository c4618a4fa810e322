"""Tables of a benchmark's report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from wsigraph.evaluation.ranks import RankTable
from wsigraph.io.report.sections import Table
from wsigraph.io.report.shown import in_one_cell
from wsigraph.pipelines.benchmark.cohort_summary import CohortSummary
from wsigraph.pipelines.benchmark.measured import Difference
from wsigraph.pipelines.benchmark.method_summary import MethodSummary
from wsigraph.pipelines.benchmark.verdict import SHUFFLED

UNKNOWN = "unknown"


def metric_of(cohort: CohortSummary) -> str:
    """The metric in words."""
    if cohort.metric == "auc":
        return "AUC" if cohort.classes == 2 else "macro AUC"
    return cohort.metric.replace("_", " ")


def verdicts_table(cohorts: Sequence[CohortSummary]) -> Table:
    """One row per cohort: the answer and what it rests on."""
    columns = ["Cohort", "Answer", "Best graph", "Best set", "Difference", "p"]
    columns += ["Less itself shuffled", "Answers / patients", "Seeds"]
    usual, rows = cohorts[0].metric if cohorts else "auc", []
    for one in cohorts:
        lost = one.controls.get(SHUFFLED)
        rows.append(
            [
                one.title,
                one.verdict.answer if one.verdict else "not asked",
                _with_value(one, one.best_graph, also=one.metric != usual),
                _with_value(one, one.best_set, also=one.metric != usual),
                told(one.gain) if one.gain else "none",
                f"{one.gain.p_value:.4f}" if one.gain else "none",
                told(lost) if lost else "not run",
                f"{one.slides} / {one.patients}",
                str(len(one.seeds)),
            ]
        )
    caption = (
        f"By {metric_of(cohorts[0]) if cohorts else 'AUC'}, where no other metric stands. "
        "Best by validation loss, then compared out of fold. Differences: graph less set, and the best graph "
        "method less itself on shuffled coordinates, with 95 % intervals over patients; p of the paired "
        "permutation test, uncorrected: one test per cohort."
    )
    return Table("Does space help?", columns, rows, caption)


def family_table(cohort: CohortSummary) -> Table:
    """Every graph method less the partner."""
    rows = [
        [
            one.a,
            told(one),
            f"{one.p_value:.4f}",
            f"{one.holm_p:.4f}",
            " ".join(f"{d:+.3f}" for d in one.per_seed),
        ]
        for one in sorted(cohort.family, key=lambda one: -one.value)
    ]
    columns = [
        "Graph method",
        f"{metric_of(cohort)} less that of {cohort.partner}",
        "p",
        "p (Holm)",
        "By seed",
    ]
    caption = "The family was fixed beforehand; intervals are of each pair alone."
    return Table(f"{cohort.title}: graph methods against {cohort.partner}", columns, rows, caption)


def methods_table(cohort: CohortSummary) -> Table:
    """Every method and control."""
    columns = [
        "Method",
        "Kind",
        metric_of(cohort),
        "Lowest to highest seed",
        "Validation loss",
        "ECE",
        "Brier",
    ]
    columns += ["Parameters", "Seconds", "CPU seconds", "Memory (MB)", "Reproduce"]
    rows = [
        [
            one.name,
            one.kind if one.plain else "control",
            in_one_cell({"value": one.value, "low": one.low, "high": one.high}),
            f"{min(one.per_seed):.3f} to {max(one.per_seed):.3f}",
            _number(one.val_loss, ".3f"),
            _number(one.ece, ".3f"),
            _number(one.brier, ".3f"),
            f"{one.parameters:,}",
            _number(one.seconds, ".1f"),
            _number(one.cpu_seconds, ".1f"),
            _number(one.peak_memory / 1e6, ",.0f"),
            reproduce(one),
        ]
        for one in cohort.methods
    ]
    caption = (
        f"Means over the seeds ({len(cohort.seeds)}), 95 % intervals over patients. Seconds are medians of a "
        "cell, one network with its answers; memory is the most that a cell's process grew by. Lower is "
        "better for loss, calibration error (ECE) and Brier score."
    )
    return Table(f"{cohort.title}: all methods", columns, rows, caption)


def curves_table(cohort: CohortSummary) -> Table:
    """What each method reaches with fewer labels, and how far graph methods are above the partner there."""
    shares = sorted({point.share for points in cohort.curves.values() for point in points})
    gains = {(one.a, share): one for share, family in cohort.fewer.items() for one in family}
    gains |= {(one.a, 1.0): one for one in cohort.family}
    rows = []
    for name, points in cohort.curves.items():
        there = {point.share: in_one_cell(asdict(point.found)) for point in points}
        rows.append([name, str(len(points[0].per_seed)), *(there.get(share, "none") for share in shares)])
        less = [told(gains[name, share]) if (name, share) in gains else "none" for share in shares]
        if any(cell != "none" for cell in less):
            rows.append([f"{name} less {cohort.partner}", "", *less])
    columns = ["Method", "Seeds", *(f"{share:.0%} of the slides" for share in shares)]
    caption = (
        f"{metric_of(cohort)} by share of the training slides: means over the seeds that a method finished "
        "at every share, and differences over those that all methods of a share finished; 95 % intervals "
        "over patients. Slides that validate and test are all there at every share."
    )
    return Table(f"{cohort.title}: fewer labels", columns, rows, caption)


def ranks_table(sort: str, table: RankTable) -> Table:
    """Mean ranks."""
    rows = [[m, f"{r:.2f}"] for m, r in zip(table.methods, table.ranks, strict=True)]
    caption = (
        f"1 is best; {table.blocks} {sort} cohorts. Friedman's p = {table.p_value:.3g}. Ranks less than "
        f"{table.critical_difference:.2f} apart are not told apart (Nemenyi, 5 %)."
    )
    return Table(f"Mean ranks over {sort} cohorts", ["Method", "Mean rank"], rows, caption)


def reproduce(method: MethodSummary) -> str:
    """The result files of a row, as a pattern."""
    return f"cells/{method.cells[0].rpartition('-seed')[0]}-seed*"


def told(one: Difference) -> str:
    """``"+0.050 (+0.010 to +0.090)"``; an interval is not broken over lines."""
    if math.isnan(one.low) or math.isnan(one.high):
        return _number(one.value, "+.3f")
    return f"{one.value:+.3f} ({one.low:+.3f}\u00a0to\u00a0{one.high:+.3f})"


def _with_value(cohort: CohortSummary, name: str | None, *, also: bool) -> str:
    if name is None:
        return "none"
    return f"{name} {cohort.method(name).value:.3f}" + (f" {metric_of(cohort)}" if also else "")


def _number(value: float, shape: str) -> str:
    return format(value, shape) if math.isfinite(value) else UNKNOWN
