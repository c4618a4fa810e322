"""The dated page: tables of arms and of paired differences, ties reported as ties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.hmil_study.arms import ARMS
from benchmarks.hmil_study.cohorts import FOLDS, STUDIES, Study
from benchmarks.hmil_study.scores import MEASURES, Answers, difference, load, measured
from wsigraph.evaluation.intervals import Interval
from wsigraph.evaluation.paired import PairedDifference
from wsigraph.io.atomic import write_text

CLAIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Is it better than flat cross-entropy on the same network?": (("H", "F"), ("HG", "FG")),
    "Is it the second cross-entropy alone?": (("CE", "F"), ("H", "CE")),
    "What does each term do?": (("H", "H-ce"), ("H", "H-ia"), ("H", "H-ba"), ("H", "H-scl")),
    "Does the authors' loss differ from the paper's?": (("H", "code"),),
    "Does a graph help?": (("HG", "H"), ("FG", "F")),
    "Does reconstruction help?": (("HGR", "HG"),),
}
MEASURED = tuple(MEASURES)


def write_page(work: Path, out: Path) -> str:
    """Write ``hmil_study_<date>.md`` and return the page."""
    found, date = load(work), f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [f"# Does a label tree help? {date}", "", *_preface(found)]
    for name, study in STUDIES.items():
        mine = {arm: answers for (data, arm), answers in found.items() if data == name}
        if mine:
            lines += ["", f"## {name}: {study.title}", "", *_protocol(study, mine)]
            lines += ["", *_table(mine), "", *_differences(mine)]
    page = "\n".join(lines) + "\n"
    write_text(out / f"hmil_study_{date}.md", page)
    return page


def _preface(found: Mapping[tuple[str, str], Answers]) -> list[str]:
    fits = [r for answers in found.values() for r in answers.records]
    commits = sorted({r["commit"] for r in fits if r["commit"]})
    return [
        f"{len(fits)} fits, {sum(r['seconds'] for r in fits) / 3600:.1f} hours of one core, "
        f"code of commit {', '.join(commits) or 'unknown'}.",
        "",
        "Intervals: 95 %, by resampling patients (images where there are none), seeds averaged; they do not",
        "hold the scatter of seeds. A paired difference is `tie` where its interval holds 0, which does not",
        "show that both are equal; p is of swapping the two arms' answers for random patients. Neither is",
        "corrected for the number of comparisons: of twenty without any difference, one is expected to look",
        "like one. `severity`: mean tree distance of the answer from the truth, right answers counting 0;",
        "`of mistakes`: over mistakes alone, which falls by making more harmless ones. Lower is better for",
        "both. Lines of the tree are chosen by the sum rule; flat arms answer coarsely by sums of fine ones.",
    ]


def _protocol(study: Study, mine: Mapping[str, Answers]) -> list[str]:
    settings = next(iter(mine.values())).records[0]["settings"]
    listed = ", ".join(f"{key} {value}" for key, value in settings.items())
    short = "; ".join(f"{arm}: seeds {list(a.seeds)}" for arm, a in sorted(mine.items()) if len(a.seeds) < 5)
    return [
        study.caveat,
        "",
        f"Graph of the arms that have one `{dict(study.graph)}`; {FOLDS} folds; {listed}; best epoch by the "
        "validation cross-entropy of the fine head.",
        *([f"Not all five seeds: {short}."] if short else []),
    ]


def _table(mine: Mapping[str, Answers]) -> list[str]:
    lines = [f"| arm | {' | '.join(MEASURED)} | best epoch |", "|---|" + "---|" * (len(MEASURED) + 1)]
    for name in ARMS:
        if name in mine:
            cells = [_cell(measured(mine[name], measure)) for measure in MEASURED]
            epochs = mine[name].records[0]["settings"]["optimiser.epochs"]
            best = np.median([r["best_epoch"] + 1 for r in mine[name].records])
            lines.append(f"| {name}: {ARMS[name].what} | {' | '.join(cells)} | {best:.0f} of {epochs} |")
    return lines


def _differences(mine: Mapping[str, Answers]) -> list[str]:
    lines = [f"| paired difference | {' | '.join(MEASURED)} |", "|---|" + "---|" * len(MEASURED)]
    for claim, pairs in CLAIMS.items():
        there = [(a, b) for a, b in pairs if a in mine and b in mine]
        if there:
            lines.append(f"| **{claim}** |" + " |" * len(MEASURED))
        for a, b in there:
            cells = [_change(difference(mine[a], mine[b], measure), a, b) for measure in MEASURED]
            lines.append(f"| {a} - {b} | {' | '.join(cells)} |")
    return lines


def _cell(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _change(found: PairedDifference, a: str, b: str) -> str:
    better = {"a": f"{a} better", "b": f"{b} better", "neither": "tie"}[found.verdict]
    return f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}] p {found.p_value:.3f} {better}"
