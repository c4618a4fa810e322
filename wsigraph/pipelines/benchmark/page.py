"""The report of a benchmark: verdicts first, then what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wsigraph.io.atomic import write_json
from wsigraph.io.report.markdown import write_markdown
from wsigraph.io.report.page import write_index
from wsigraph.io.report.sections import Details, Notice, Picture, Pictures, Section, Table, Text
from wsigraph.pipelines.benchmark.page_dials import dials
from wsigraph.pipelines.benchmark.page_pictures import costs, curves, forests, overview, ranks
from wsigraph.pipelines.benchmark.page_tables import (
    curves_table,
    family_table,
    methods_table,
    ranks_table,
    verdicts_table,
)
from wsigraph.pipelines.benchmark.summary import Summary

TITLE = "Does space help?"
PICTURES = "pictures"
FORESTS = "Every graph method and its controls"


def write_report(
    out: str | Path,
    summary: Summary,
    *,
    command: str = "",
    heatmaps: Sequence[Picture] = (),
    more: Sequence[Section] = (),
) -> Path:
    """Write ``report.html``, ``report.md``, ``summary.json`` and ``pictures/`` into a benchmark folder.

    Args:
        out: The folder.
        summary: What ``summarise`` found.
        command: The command that filled the folder.
        heatmaps: Examples to show.
        more: A suite's own sections, which stand between the pictures and the tables.

    Returns: The page.
    Raises: RunError: if a heatmap is missing.
    """
    out = Path(out)
    write_json(out / "summary.json", summary.to_dict())
    pictures = _pictures(out / PICTURES, summary, heatmaps)
    sections = [*_answers(summary), *pictures, *more, *_tables(summary), *_reproduce(summary, command)]
    made_up = sum(one.synthetic for one in summary.cohorts)
    badges = (
        ["synthetic data" if made_up == len(summary.cohorts) else "some data synthetic"] if made_up else []
    )
    methods = len({one.name for cohort in summary.cohorts for one in cohort.methods})
    cells = sum(len(one.cells) for cohort in summary.cohorts for one in cohort.methods)
    subtitle = f"{len(summary.cohorts)} cohorts, {methods} methods and controls, {cells} cells compared"
    for write, name in ((write_index, "report.html"), (write_markdown, "report.md")):
        write(out / name, TITLE, sections, subtitle=subtitle, badges=badges)
    return out / "report.html"


def _answers(summary: Summary) -> list[Section]:
    warnings = _warnings(summary)
    told: list[Section] = [verdicts_table(summary.cohorts), Text("", summary.text().splitlines())]
    return [Notice(warnings), *told] if warnings else told


def _pictures(folder: Path, summary: Summary, heatmaps: Sequence[Picture]) -> list[Section]:
    groups = [
        Pictures("Graph less set", overview(folder, summary), wide=True),
        Pictures("Strength of what is made up", dials(folder, summary.cohorts), wide=True),
        Pictures(FORESTS, forests(folder, summary, synthetic=False), wide=True),
        Pictures(f"{FORESTS}: synthetic cohorts", forests(folder, summary, synthetic=True)),
        Pictures("Fewer labels", curves(folder, summary), wide=True),
        Pictures("Cost", costs(folder, summary), wide=True),
        Pictures("Ranks", ranks(folder, summary), wide=True),
        Pictures("Heatmaps", heatmaps, wide=True),
    ]
    return [group for group in groups if group.pictures]


def _tables(summary: Summary) -> list[Section]:
    sections: list[Section] = [ranks_table(sort, table) for sort, table in summary.ranks.items()]
    for one in summary.cohorts:
        sections += [family_table(one)] if one.family else []
        sections += [curves_table(one)] if one.curves else []
        sections.append(methods_table(one))
    sections.append(Text("How these numbers were made", _method(summary)))
    if summary.failed:
        rows = [[name, reason] for name, reason in summary.failed.items()]
        sections.append(Table("Cells that failed", ["Cell", "Reason"], rows))
    return sections


def _warnings(summary: Summary) -> list[str]:
    said = []
    made_up = [one.name for one in summary.cohorts if one.synthetic]
    if made_up:
        said.append(
            f"Synthetic, with features, places or labels made up: {', '.join(made_up)}. These show what a "
            "method can see; they say nothing about tissue."
        )
    if summary.failed:
        said.append(f"{len(summary.failed)} cells failed and are in no number here; they are named below.")
    if summary.unfinished:
        names = ", ".join(summary.unfinished)
        said.append(f"Not compared, because no seed is finished by every method: {names}.")
    for one in summary.cohorts:
        never = [name for name, seeds in one.finished.items() if not seeds]
        idle = sorted({seed for seeds in one.finished.values() for seed in seeds} - set(one.seeds))
        if never:
            said.append(f"{one.name}: without a finished seed and left out: {', '.join(never)}.")
        if idle:
            numbers = ", ".join(map(str, idle))
            said.append(f"{one.name}: seeds that not every method has finished are not counted: {numbers}.")
    return said


def _method(summary: Summary) -> list[str]:
    return [
        "Every method of a cohort answered the same slides, each by a network that was not trained on it; "
        "folds are pooled, seeds averaged. Only seeds that every method finished count.",
        "The best set and the best graph method are those of lowest validation loss, mean of seeds and "
        "folds; no answer to a test slide took part in the choice. Validation losses rank methods within one "
        "cohort only. With folds, a slide that validates one network is tested by another.",
        f"Intervals are 95 % percentile intervals from {summary.resamples} resamples of patients, with all "
        "their slides and seeds; p-values are of as many swaps of the two methods' answers by patient. "
        "Intervals are not widened for the number of methods or cohorts; Holm's correction is within a "
        "family, and seeds that were not run are in no interval.",
        '"Yes" needs a gain over the set method and over shuffled coordinates, both intervals above 0. '
        f'"No" means that a gain of {summary.margin:g} or more is excluded. "Cannot tell" is not "no". The '
        "patients that a difference would take are reckoned from the width of the interval that was found.",
    ]


def _reproduce(summary: Summary, command: str) -> list[Section]:
    said = [
        "Each row of the tables of methods stands on the files it names, in the folder of this report. A "
        "file holds the recipe's settings, seed, fold and every answer, and its name ends in a hash of all "
        "that the result depends on. Delete a file and give the command again: that cell alone is trained."
    ]
    sections: list[Section] = [Text("Reproduce", said)]
    sections += [Details("The command", command)] if command else []
    return sections + [
        Details(
            f"{one.title}: cells that are compared",
            "\n".join(cell for method in one.methods for cell in method.cells),
        )
        for one in summary.cohorts
    ]
