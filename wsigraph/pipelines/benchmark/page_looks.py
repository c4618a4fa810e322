"""Pictures of a report: where the best methods look on the same test slides."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wsigraph.io.looks_png import Look, write_looks
from wsigraph.io.report.sections import Picture
from wsigraph.pipelines.benchmark.results import Results, method_of
from wsigraph.pipelines.benchmark.summary import Summary


def look_pictures(folder: Path, results: Results, summary: Summary) -> list[Picture]:
    """Of each cohort the best graph and the best set method, where they have an attention.

    Args:
        folder: Where pictures go.
        results: Cells; those of the first fold of the first seed hold looks.
        summary: Which methods are best.
    """
    pictures = []
    for one in summary.cohorts:
        best = [name for name in (one.best_graph, one.best_set) if name]
        methods = {name: seen for name in best if (seen := _looks(results, one.name, name))}
        if not methods:
            continue
        path = folder / f"looks-{one.name}.png"
        write_looks(path, methods)
        caption = (
            f"{one.title}: attention of {' and '.join(methods)} on one test slide of each class, by networks "
            "that were not trained on it; the first of its fold, not chosen for its looks."
        )
        pictures.append(Picture(path, caption))
    return pictures


def _looks(results: Results, cohort: str, method: str) -> list[Look]:
    mine = [cell for cell in results.cells if cell["cohort"] == cohort and method_of(cell) == method]
    cells = [cell for cell in mine if cell["share"] == 1.0 and cell.get("looks")]
    if not cells:
        return []
    first = min(cells, key=lambda cell: (cell["seed"], cell["fold"]))
    return [
        Look(
            look["slide_id"],
            look["label"],
            np.array(look["places"], dtype=np.float64),
            np.array(look["attention"], dtype=np.float64),
        )
        for look in first["looks"]
    ]
