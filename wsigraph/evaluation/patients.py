"""From slides to patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.sample import SCORED_SPLITS


@dataclass(frozen=True)
class PatientLevel:
    """Answers per patient.

    Args:
        predictions: One row per patient and repeat, unseen and validation rows apart;
            ``slide_id`` is the patient's id.
        contradicting: Patients left out because their slides carry different labels.
    """

    predictions: tuple[Prediction, ...]
    contradicting: tuple[str, ...]


def to_patients(predictions: Iterable[Prediction]) -> PatientLevel:
    """Average the probabilities of each patient's slides, every slide counting the same.

    A patient whose slides carry different labels has no label of its own (a tumour slide and a normal one,
    say): it is left out of the patient level and named, not guessed at. Slides of unknown label do
    not contradict. The fold is kept where one model spoke for all slides, else -1.
    """
    groups: dict[tuple[str, int, bool], list[Prediction]] = {}
    for row in predictions:
        groups.setdefault((row.patient_id, row.repeat, row.split in SCORED_SPLITS), []).append(row)
    labels: dict[str, set[int]] = {}
    for (patient, _, _), rows in groups.items():
        labels.setdefault(patient, set()).update(row.label for row in rows if row.label >= 0)
    contradicting = {patient for patient, found in labels.items() if len(found) > 1}
    merged = [
        _merge(rows, label=next(iter(labels[patient]), -1))
        for (patient, _, _), rows in groups.items()
        if patient not in contradicting
    ]
    return PatientLevel(tuple(merged), tuple(sorted(contradicting)))


def _merge(rows: list[Prediction], *, label: int) -> Prediction:
    mean = np.mean([row.probabilities for row in rows], axis=0)
    folds = {row.fold for row in rows}
    first = rows[0]
    return Prediction(
        slide_id=first.patient_id,
        patient_id=first.patient_id,
        probabilities=tuple(float(p) for p in mean),
        label=label,
        repeat=first.repeat,
        fold=folds.pop() if len(folds) == 1 else -1,
        split=first.split,
    )
