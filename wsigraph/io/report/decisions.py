"""The part of a report that tells of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.io.report.sections import Table
from wsigraph.io.report.shown import in_one_cell

SHOWN = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "positive_predictive_value": "Positive predictive value",
    "negative_predictive_value": "Negative predictive value",
    "average_precision": "Area under precision-recall",
    "prevalence": "Share of positives",
}
CAPTION = (
    "A slide counts as positive where its probability is at least the threshold. Youden's index on "
    "validation answers chose it, and then it was left as it was: each fold's own for the slides it tested; "
    "for slides that all networks answer together, one on the validation answers of all folds. Where "
    "validation gave none it is 1/2. The intervals do not cover the choice of the threshold. Predictive "
    "values hold for the share of positives in this cohort."
)


def decisions_table(decisions: Mapping[str, Mapping[str, Any]]) -> Table:
    """Each question at slide and at patient level, a column each."""
    columns = [""]
    cells = [(name, level) for name in decisions for level in ("slide", "patient") if decisions[name][level]]
    for name, level in cells:
        columns.append(f"{name}, per {level}")
    rows = [["Threshold", *(_thresholds(decisions[name]["thresholds"][level]) for name, level in cells)]]
    for key, said in SHOWN.items():
        rows.append([said, *(in_one_cell(decisions[name][level][key]) for name, level in cells)])
    return Table("Decisions at a threshold frozen on validation", columns, rows, CAPTION)


def _thresholds(used: list[float]) -> str:
    if len(used) < 2:
        return "".join(f"{value:.3f}" for value in used)
    return f"{used[0]:.3f} to {used[-1]:.3f} ({len(used)} in all)"
