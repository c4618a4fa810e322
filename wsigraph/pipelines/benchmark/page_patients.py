"""Table of a report: AUC inside each patient, where patches of few patients are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.metrics import auc
from wsigraph.io.report.sections import Table


def patients_table(cohort: str, answers: Mapping[str, Sequence[Prediction]], *, partner: str = "") -> Table:
    """AUC of each method inside each patient, mean over seeds, the best mean over patients first.

    Args:
        cohort: Its name.
        answers: By method, of two classes.
        partner: Method that the others are compared with, patient by patient; none where empty.
    """
    found = {name: inside(rows) for name, rows in answers.items()}
    patients = sorted(next(iter(found.values())))
    base, rows = found.get(partner), []
    means = {name: float(np.mean(list(mine.values()))) for name, mine in found.items()}
    for name, mine in sorted(found.items(), key=lambda item: (-means[item[0]], item[0])):
        row = [name, f"{means[name]:.3f}", *(f"{mine[one]:.3f}" for one in patients)]
        if base is not None:
            better = sum(mine[one] > base[one] for one in patients)
            row.append("" if name == partner else f"{better} of {len(patients)}")
        rows.append(row)
    columns = ["Method", "Mean of patients", *patients] + ([f"Above {partner}"] if base is not None else [])
    caption = (
        "AUC over the patches of one patient, mean over seeds. Unlike the AUC over all patches it does not "
        "compare patches of different patients, of which different networks answered."
    )
    return Table(f"{cohort}: AUC inside each patient", columns, rows, caption)


def inside(rows: Sequence[Prediction]) -> dict[str, float]:
    """By patient, the AUC over its patches, mean over seeds; NaN where it has patches of one class alone."""
    blocks: dict[tuple[str, int], list[Prediction]] = {}
    for row in rows:
        blocks.setdefault((row.patient_id, row.repeat), []).append(row)
    each: dict[str, list[float]] = {}
    for (patient, _), mine in blocks.items():
        labels = np.array([row.label for row in mine])
        each.setdefault(patient, []).append(auc(labels, np.array([row.probabilities for row in mine])))
    return {patient: float(np.mean(values)) for patient, values in each.items()}
