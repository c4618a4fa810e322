"""Everything ``metrics.json`` says of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.intervals import Interval, patient_intervals
from wsigraph.evaluation.metrics import CLASS_METRICS, METRICS, confusion
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.resampled import CLASS_RESAMPLED, RESAMPLED
from wsigraph.evaluation.sample import SCORED_SPLITS, Sample, sample_of, scored


def summarise(
    predictions: Sequence[Prediction], classes: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Metrics at slide and at patient level, with 95 % intervals by resampling patients.

    Only rows the model never saw count: split "test" (out of fold) or "external". Out-of-fold rows of one
    repeat are pooled over its folds before a metric is computed; repeats are averaged. ``per_class`` and
    ``confusion`` are at slide level; the confusion matrix (row = true, column = predicted) sums over repeats.

    Args:
        predictions: Rows of a run.
        classes: Class names in order of the probabilities.
        resamples: Resamples of the patients.
        seed: Of the resampling.

    Returns: ``{"classes", "slide", "patient", "per_class", "confusion", "counts", "intervals"}`` in plain
        types; undefined numbers are NaN, ``patient`` is empty where every patient's slides contradict each
        other, and ``intervals["partly_defined"]`` names the metrics that some resamples leave undefined.
    Raises: RunError: if nothing can be scored or the rows do not fit ``classes``.
    """
    sample = sample_of(predictions)
    if sample.num_classes != len(classes):
        raise RunError(
            expected(
                "summarise",
                f"{len(classes)} probabilities per row ({list(classes)})",
                f"{sample.num_classes}",
            )
        )
    slide = _intervals(sample, resamples=resamples, seed=seed)
    level = to_patients(scored(predictions))
    patient: dict[str, Interval] = {}
    if level.predictions:
        patient = _intervals(sample_of(level.predictions), resamples=resamples, seed=seed)
    per_class = _class_intervals(sample, classes, resamples=resamples, seed=seed)
    flat = {f"slide.{name}": found for name, found in slide.items()}
    flat |= {f"patient.{name}": found for name, found in patient.items()}
    flat |= {f"per_class.{c}.{name}": found for c, row in per_class.items() for name, found in row.items()}
    support = _support(sample)
    return {
        "classes": list(classes),
        "slide": {name: found.to_dict() for name, found in slide.items()},
        "patient": {name: found.to_dict() for name, found in patient.items()},
        "per_class": {
            c: {name: found.to_dict() for name, found in row.items()} | {"support": support[k]}
            for k, (c, row) in enumerate(per_class.items())
        },
        "confusion": _confusion(sample),
        "counts": _counts(predictions, sample, contradicting=len(level.contradicting)),
        "intervals": {
            "method": "95 % percentile bootstrap over patients",
            "resamples": resamples,
            "seed": seed,
            "partly_defined": {k: found.defined for k, found in flat.items() if found.defined < resamples},
        },
    }


def _intervals(sample: Sample, *, resamples: int, seed: int) -> dict[str, Interval]:
    return {
        name: patient_intervals(sample, METRICS[name], RESAMPLED[name], resamples=resamples, seed=seed)[0]
        for name in METRICS
    }


def _class_intervals(
    sample: Sample, classes: Sequence[str], *, resamples: int, seed: int
) -> dict[str, dict[str, Interval]]:
    columns = {
        name: patient_intervals(
            sample, CLASS_METRICS[name], CLASS_RESAMPLED[name], resamples=resamples, seed=seed
        )
        for name in CLASS_METRICS
    }
    return {c: {name: found[k] for name, found in columns.items()} for k, c in enumerate(classes)}


def _confusion(sample: Sample) -> list[list[int]]:
    return np.sum([confusion(rows.labels, rows.probabilities) for rows in sample.repeats], axis=0).tolist()


def _support(sample: Sample) -> list[int]:
    """Slides of each class, a slide counting once however many repeats it stands in."""
    labels = {s: int(y) for rows in sample.repeats for s, y in zip(rows.slides, rows.labels, strict=True)}
    return np.bincount(list(labels.values()), minlength=sample.num_classes).tolist()


def _counts(predictions: Sequence[Prediction], sample: Sample, *, contradicting: int) -> dict[str, int]:
    rows = scored(predictions)
    unseen = [row for row in predictions if row.split in SCORED_SPLITS]
    return {
        "slides": len({row.slide_id for row in rows}),
        "patients": len(sample.patients),
        "repeats": len(sample.repeats),
        "folds": len({row.fold for row in rows if row.fold >= 0}),
        "predictions": len(rows),
        "external": sum(row.split == "external" for row in rows),
        "unlabelled": len(unseen) - len(rows),
        "contradicting_patients": contradicting,
    }
