"""The dated page: bags, nuclei and seconds of each arm, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.hnm.arms import ARMS, EPOCHS, MINING
from benchmarks.hnm.scores import Measured, load
from benchmarks.srmil_study.scores import difference, measured, per_seed, verdict
from wsigraph.evaluation.intervals import Interval
from wsigraph.io.atomic import write_text

BAGS = ("accuracy", "AUC")
CLAIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Does mining on pixels help?": (("pix5", "none"), ("pix20", "none"), ("pixall", "none")),
    "Does mining on features help?": (("adapt5", "none"), ("adapt20", "none"), ("adaptall", "none")),
    "Are hard negatives enough?": (("pix5", "pixall"), ("pix20", "pixall"), ("adapt5", "adaptall")),
    "Does the ranking help?": (("adaptall", "its2clr"),),
    "Does a graph help?": (("graph", "none"), ("graphadapt5", "adapt5"), ("graphpix5", "pix5")),
    "Does SRMIL's reconstruction help?": (
        ("graphadapt5rec", "graphadapt5"),
        ("graphpix5rec", "graphpix5"),
    ),
    "Is it better than usual baselines?": (("none", "abmil"), ("none", "dsmil"), ("graphadapt5", "abmil")),
}
REFERENCE = (
    "To stand beside, not to compare digit by digit (other folds, other features): published accuracy of "
    "attention MIL is about .90; torchmil's ABMIL and its graph model, given 48 statistics per nucleus, gave "
    ".917 / .930, AUC .974 / .970, attention inside an image .708 / .832; SRMIL's authors' code .960 / .975 "
    "/ .816; a supervised logistic regression finds nuclei with AUC .897, and .925 with their neighbours."
)


def write_page(work: Path, truth: Mapping[str, np.ndarray], out: Path) -> str:
    """Write ``hnm_<date>.md`` and return it."""
    found, date = load(work, truth), f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [f"# Hard negative mining on real pixels (crchisto), {date}", "", *_preface(found), ""]
    lines += [*_table(found), "", *_differences(found), "", *_times(found), "", REFERENCE]
    page = "\n".join(lines) + "\n"
    write_text(out / f"hnm_{date}.md", page)
    return page


def _preface(found: Mapping[str, Measured]) -> list[str]:
    records = [r for one in found.values() for r in one.answers.records]
    commits = sorted({r["commit"] for r in records if r["commit"]})
    quick = any(any(part for part in r["quick"]) for r in records)
    hours = sum(r["seconds"] for r in records) / 3600
    listed = ", ".join(f"{key} {value}" for key, value in MINING.items())
    return [
        *(["**A trial in small: its numbers mean nothing.**", ""] if quick else []),
        f"{len(records)} fits, {hours:.1f} hours of one core, code of commit "
        f"{', '.join(commits) or 'unknown'}. 100 images, 10 folds by image; slide classifiers: {EPOCHS} "
        f"epochs, best by validation loss; loops: {listed}; the round is chosen by validation AUC.",
        "",
        "Images carry no patients, so folds by image are optimistic. Intervals: 95 %, by resampling images, "
        "seeds averaged; verdicts are by the interval of the paired difference and not corrected for their "
        "number, and `tie` does not show that both are equal. With 100 images one standard error of the "
        "accuracy is about .022. `nuclei`: AUC of patch probabilities for epithelial nuclei over all test "
        "images; `inside`: inside each positive image, mean over images, by attention where patches have no "
        "probability. No training reads the truth of nuclei.",
    ]


def _table(found: Mapping[str, Measured]) -> list[str]:
    lines = ["| arm | accuracy | AUC | nuclei | inside | AUC of each seed |", "|---|" + "---|" * 5]
    for name, arm in ARMS.items():
        if name in found:
            one = found[name]
            bags = [_cell(measured(one.answers, measure)) for measure in BAGS]
            nuclei, seeds = one.instances(), per_seed(one.answers, "AUC")
            cells = [
                *bags,
                "" if nuclei is None else _cell(nuclei),
                _cell(measured(one.answers, "attention")),
            ]
            told = f"{min(seeds):.3f} to {max(seeds):.3f} ({len(seeds)})"
            lines.append(f"| {name}: {arm.what} | {' | '.join(cells)} | {told} |")
    return lines


def _differences(found: Mapping[str, Measured]) -> list[str]:
    measures = (*BAGS, "attention")
    lines = ["| paired difference | accuracy | AUC | inside |", "|---|---|---|---|"]
    for claim, pairs in CLAIMS.items():
        there = [(a, b) for a, b in pairs if a in found and b in found]
        if there:
            lines.append(f"| **{claim}** | | | |")
        for a, b in there:
            each = [difference(found[a].answers, found[b].answers, measure) for measure in measures]
            lines.append(f"| {a} - {b} | {' | '.join(f'{_signed(one)} {verdict(one)}' for one in each)} |")
    return lines


def _times(found: Mapping[str, Measured]) -> list[str]:
    lines = [
        "| arm | contrast, s per round | encoding, s per round | patches read | all folds of a seed, s |",
        "|---|---|---|---|---|",
    ]
    for name in ARMS:
        if name in found:
            spent, read = found[name].round_seconds(), found[name].read()
            cells = [f"{spent[kind]:.1f}" if kind in spent else "" for kind in ("contrast", "encoding")]
            cells.append("" if read is None else f"{100 * read:.0f} %")
            lines.append(f"| {name} | {' | '.join(cells)} | {found[name].seconds():.0f} |")
    return lines


def _cell(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _signed(found: Interval) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
