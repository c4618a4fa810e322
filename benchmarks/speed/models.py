"""A training step of every model at three sizes, and torchmil's counterpart where it has one.

``python -m benchmarks.speed.models --out benchmarks/results`` writes the whole table (an hour on 2 cores);
``--model NAME`` and ``--patches N`` measure less.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.models_job import measure as measure_alone
from benchmarks.speed.__main__ import machine
from benchmarks.timing import row
from wsigraph.training.recipe import recipe_names

SIZES = (1_000, 10_000, 50_000)
CHANNELS = 1024
LIMIT_S = 900.0
COUNTERPARTS = {
    "abmil": "ABMIL",
    "clam_sb": "CLAM_SB",
    "dsmil": "DSMIL",
    "transmil": "TransMIL",
    "dtfd_maxmins": "DTFDMIL",
    "patchgcn": "PatchGCN",
    "gtp": "GTP",
    "camil": "CAMIL",
    "smooth_abmil": "SmABMIL",
    "deepgraphconv": "DeepGraphSurv",
    "transformer": "TransformerABMIL",
}
"""torchmil's class of the same name; what it computes is not always the same, see ``docs/models.md``."""

HEAD = """# Training step of every model, {date}

Forward and backward of the whole loss, one slide, {channels} channels, float32, train mode, each job in a
process of its own after a step on a small slide: median CPU seconds of one thread, and the memory (GB) that
the step adds to the process.
`/` stands before the ratio to torchmil's model of that name behind the same embedding, where it has one. The
slides are made up (synthetic). A job of more than {limit:.0f} s is given up.

"""


def measure(sizes: tuple[int, ...] = (10_000,), names: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Rows for the table of speeds, at one size unless told otherwise."""
    rows = []
    for name in names or tuple(recipe_names()):
        for patches in sizes:
            mine, beside = pair(name, patches)
            what = f"{name}, {patches:,} patches"
            for key, unit in (("seconds", "s"), ("gb", "GB")):
                if key in mine:
                    rows.append(row(what, mine[key], unit, baseline=beside.get(key), aim="at most 1"))
    return rows


def pair(name: str, patches: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A recipe and torchmil's counterpart, one after the other; ``{}`` where there is none.

    Where ours does not end in time theirs is not tried.
    """
    mine = measure_alone(name, patches, CHANNELS, limit_s=LIMIT_S)
    if "failed" in mine:
        return mine, {}
    other = COUNTERPARTS.get(name) if importlib.util.find_spec("torchmil") is not None else None
    return mine, measure_alone(f"torchmil:{other}", patches, CHANNELS, limit_s=LIMIT_S) if other else {}


def table(found: dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]]) -> str:
    """Markdown: one line per model, two cells per size."""
    sizes = sorted({patches for _, patches in found})
    names = sorted({name for name, _ in found})
    head = " | ".join(f"{patches:,} patches: s | GB" for patches in sizes)
    lines = [f"| model | torchmil's | {head} |", f"|---|---|{'---:|---:|' * len(sizes)}"]
    for name in names:
        cells = [name, COUNTERPARTS.get(name, "")]
        for patches in sizes:
            mine, beside = found.get((name, patches), ({}, {}))
            cells += [_cell(mine, beside, "seconds"), _cell(mine, beside, "gb")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(mine: dict[str, Any], beside: dict[str, Any], key: str) -> str:
    if key not in mine:
        return str(mine.get("failed", "not measured"))
    text = f"{mine[key]:.3g}"
    if key in beside:
        return f"{text} / {mine[key] / beside[key]:.2f}"
    return f"{text} / theirs: {beside['failed']}" if "failed" in beside else text


def _finished(work: Path | None) -> dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]]:
    if work is None or not work.exists():
        return {}
    rows = [json.loads(line) for line in work.read_text(encoding="utf-8").splitlines()]
    return {(name, patches): (mine, beside) for name, patches, mine, beside in rows}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.models", description=main.__doc__)
    parser.add_argument("--model", action="append", choices=recipe_names(), help="these alone")
    parser.add_argument("--patches", action="append", type=int, help="these sizes alone")
    parser.add_argument("--work", type=Path, help="file of finished jobs; those in it are not run again")
    parser.add_argument("--out", type=Path, help="folder for a dated .md")
    asked = parser.parse_args()
    found = _finished(asked.work)
    for patches in asked.patches or SIZES:
        for name in asked.model or recipe_names():
            if (name, patches) not in found:
                found[name, patches] = pair(name, patches)
                print(json.dumps([name, patches, *found[name, patches]]), flush=True)
                if asked.work is not None:
                    with open(asked.work, "a", encoding="utf-8") as file:
                        file.write(json.dumps([name, patches, *found[name, patches]]) + "\n")
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    facts = ", ".join(f"{key} {value}" for key, value in machine().items())
    page = HEAD.format(date=date, channels=CHANNELS, limit=LIMIT_S) + table(found) + f"\nMachine: {facts}.\n"
    print(page)
    if asked.out is not None:
        from wsigraph.io.atomic import write_text

        write_text(asked.out / f"models_{date}.md", page)


if __name__ == "__main__":
    main()
