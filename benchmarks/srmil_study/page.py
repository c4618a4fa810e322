"""The dated page: tables of arms and of paired differences, ties reported as ties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.srmil_study.arms import ARMS
from benchmarks.srmil_study.cohorts import FOLDS, STUDIES, Study
from benchmarks.srmil_study.picture import write_picture
from benchmarks.srmil_study.scores import MEASURES, Answers, difference, load, measured, per_seed, verdict
from wsigraph.evaluation.intervals import Interval
from wsigraph.io.atomic import write_text

FOLDS_OF = {"crchisto": FOLDS, "gg_pt1": 4}
CLAIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Does the reconstruction term help?": (("A", "B"), ("A@25", "B@25"), ("A@10", "B@10")),
    "Do masking and its cross-entropy help at all?": (("B", "H"), ("A", "H")),
    "Does space help?": (("A", "E"), ("A", "F")),
    "Is it better than gated attention on the set?": (("A", "G"), ("A@25", "G@25"), ("A@10", "G@10")),
    "Does the mask rate matter?": (("A", "C10"), ("A", "C30"), ("A", "C50"), ("A", "C90")),
}
REFERENCE = (
    "To stand beside, not to compare digit by digit (other statistics per nucleus, other folds, 40 epochs, "
    "last epoch): the authors' own code, run once on crchisto, gave bag accuracy .960, AUC .975, attention "
    "against nucleus truth .816; torchmil's ABMIL .917 / .974 / .708, its graph model .930 / .970 / .832."
)


def write_page(work: Path, out: Path, *, name: str = "srmil_study") -> str:
    """Write ``<name>_<date>.md`` and its pictures, and return the page."""
    found, date = load(work, folds=FOLDS_OF), f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [f"# Does SRMIL do what it claims? {date}", "", *_preface(found)]
    for data, study in STUDIES.items():
        mine = {arm: answers for (cohort, arm), answers in found.items() if cohort == data}
        if not mine:
            continue
        picture = f"{name}_{data}_{date}.png"
        lines += ["", f"## {data}: {study.title}", "", *_protocol(study, mine), "", *_table(mine)]
        lines += ["", *_differences(mine)]
        if write_picture(out / picture, mine, title=f"{data}: share of masked nodes"):
            lines += ["", f"![{data}: measures against the mask rate, with intervals]({picture})"]
        if data == "crchisto":
            lines += ["", REFERENCE]
    page = "\n".join(lines) + "\n"
    write_text(out / f"{name}_{date}.md", page)
    return page


def _preface(found: Mapping[tuple[str, str], Answers]) -> list[str]:
    commits = sorted({r["commit"] for answers in found.values() for r in answers.records if r["commit"]})
    fits = [r for answers in found.values() for r in answers.records]
    return [
        f"{len(fits)} fits, {sum(r['seconds'] for r in fits) / 3600:.1f} hours of one core, "
        f"code of commit {', '.join(commits) or 'unknown'}.",
        "",
        "Intervals: 95 %, by resampling images, seeds averaged; they do not hold the scatter of seeds,",
        "which stands beside. Verdicts are by the interval of the paired difference and are not corrected",
        "for their number: of twenty comparisons without any difference, one is expected to look like one.",
        "`tie`: the interval holds 0, which does not show that both are equal. `recall`: share of positive",
        "bags found at a probability of .5. `attention`: AUC of the attention for epithelial nuclei inside",
        "each positive test image, mean over images; training never reads that truth.",
    ]


def _protocol(study: Study, mine: Mapping[str, Answers]) -> list[str]:
    first = next(iter(mine.values())).records[0]
    listed = ", ".join(f"{key} {value}" for key, value in first["settings"].items())
    done = [(arm, answers) for arm, answers in mine.items() if len(answers.seeds) < 5]
    short = "; ".join(f"{arm}: seeds {list(a.seeds)}" for arm, a in sorted(done))
    return [
        f"Graph `{dict(study.graph)}`; {FOLDS_OF[study.name]} folds; {listed}; "
        "best epoch by validation loss.",
        *([f"Not all five seeds: {short}."] if short else []),
    ]


def _table(mine: Mapping[str, Answers]) -> list[str]:
    measures = _measures(mine)
    lines = [
        f"| arm | {' | '.join(measures)} | AUC of each seed | best epoch |",
        "|---|" + "---|" * (len(measures) + 2),
    ]
    for name in ARMS:
        if name in mine:
            cells = [_cell(measured(mine[name], measure)) for measure in measures]
            seeds = per_seed(mine[name], "AUC")
            epoch = np.median([r["best_epoch"] + 1 for r in mine[name].records])
            lines.append(
                f"| {name}: {ARMS[name].what} | {' | '.join(cells)} | {min(seeds):.3f} to {max(seeds):.3f} "
                f"| {epoch:.0f} of {mine[name].records[0]['planned_epochs']} |"
            )
    return lines


def _differences(mine: Mapping[str, Answers]) -> list[str]:
    measures = _measures(mine)
    lines = [
        f"| paired difference | {' | '.join(measures)} |",
        "|---|" + "---|" * len(measures),
    ]
    for claim, pairs in CLAIMS.items():
        there = [(a, b) for a, b in pairs if a in mine and b in mine]
        if not there:
            continue
        lines.append(f"| **{claim}** |" + " |" * len(measures))
        for a, b in there:
            found = [difference(mine[a], mine[b], measure) for measure in measures]
            cells = [f"{_signed(one)} {verdict(one)}" for one in found]
            lines.append(f"| {a} - {b} | {' | '.join(cells)} |")
    return lines


def _measures(mine: Mapping[str, Answers]) -> list[str]:
    some = next(iter(mine.values()))
    known = any(row["attention_auc"] is not None for r in some.records for row in r["slides"])
    return [measure for measure in MEASURES if known or measure != "attention"]


def _cell(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _signed(found: Interval) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
