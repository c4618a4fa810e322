"""Table of a report: how many lesions of each size a method finds, and how many more than its partner."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.by_size import SizeGroup, by_size, found_at
from wsigraph.io.report.sections import Table

EDGES = (1, 2, 4, 16, math.inf)
"""Patches of a lesion: one alone has no neighbour to agree with."""


def lesion_sizes(truth: Path) -> dict[str, float]:
    """Patches in the lesion of each slide, from the ``truth.csv`` of a semi-synthetic contest."""
    rows = csv.DictReader(truth.read_text(encoding="utf-8").splitlines())
    return {row["slide_id"]: float(row["lesion_patches"]) for row in rows}


def lesions_table(
    cohort: str,
    answers: Mapping[str, Sequence[Prediction]],
    sizes: Mapping[str, float],
    *,
    partner: str = "",
    edges: Sequence[float] = EDGES,
    specificity: float = 0.9,
) -> Table:
    """Sensitivity of each method by size of lesion, all at one specificity.

    Args:
        cohort: Its name.
        answers: By method, on the same slides.
        sizes: Patches in the lesion of each positive slide.
        partner: Method that the others are compared with, slide by slide; none where empty.
        edges: Of the ranges of sizes.
        specificity: Of every method, on the slides without lesion.

    Raises: RunError: if a slide has no size, or the answers are not of two classes.
    """
    found = {name: found_at(rows, specificity=specificity) for name, rows in answers.items()}
    base, rows = found.get(partner), []
    for name, mine in found.items():
        cells = [_share(group) for group in by_size(mine, sizes, edges)]
        if base is not None and name != partner:
            less = {slide: value - base[slide] for slide, value in mine.items()}
            more = by_size(less, sizes, edges)
            cells = [f"{a} ({_share(b, '+')})" if b.slides else a for a, b in zip(cells, more, strict=True)]
        rows.append([name, *cells])
    counts = [group.slides for group in by_size(next(iter(found.values())), sizes, edges)]
    ranges = [_range(low, high) for low, high in pairwise(edges)]
    columns = ["Method", *(f"{told} (n = {n})" for told, n in zip(ranges, counts, strict=True))]
    caption = (
        f"Share of lesions found where at least {specificity:.0%} of slides without lesion are spared, mean "
        "over seeds, with 95 % intervals over slides at the thresholds found"
    )
    caption += f"; in brackets the difference from {partner}, slide by slide." if base is not None else "."
    return Table(f"{cohort}: lesions found, by patches in the lesion", columns, rows, caption)


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{low:g} and more"
    return f"{low:g}" if high - low <= 1 else f"{low:g} to {high - 1:g}"


def _share(group: SizeGroup, sign: str = "") -> str:
    if not group.slides:
        return "none"
    ends = "" if math.isnan(group.low95) else f" [{group.low95:{sign}.2f}, {group.high95:{sign}.2f}]"
    return f"{group.value:{sign}.2f}{ends}"
