"""Everything ``metrics.json`` says of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.intervals import Interval, patient_intervals
from wsigraph.evaluation.metrics import confusion
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.sample import SCORED_SPLITS, Sample, sample_of, scored
from wsigraph.evaluation.tables import TABLES, Measure, Table


def summarise(
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    table: Table = TABLES["classification"],
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
        table: Its metrics.

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
    slide = overall_intervals(sample, table.overall, resamples=resamples, seed=seed)
    level = to_patients(scored(predictions))
    patient: dict[str, Interval] = {}
    if level.predictions:
        patients = sample_of(level.predictions)
        patient = overall_intervals(patients, table.overall, resamples=resamples, seed=seed)
    per_class = each_intervals(sample, table.each, classes, resamples=resamples, seed=seed)
    support = dict(zip(classes, _support(sample), strict=True))
    return {
        "classes": list(classes),
        **as_plain(slide, patient, per_class, support=support),
        "confusion": _confusion(sample),
        "counts": counts(
            predictions, sample, scored=scored(predictions), contradicting=len(level.contradicting)
        ),
        "intervals": how_made(slide, patient, per_class, resamples=resamples, seed=seed),
    }


def overall_intervals(
    sample: Sample, measures: Mapping[str, Measure], *, resamples: int, seed: int
) -> dict[str, Interval]:
    """Each metric with its interval."""
    return {
        name: patient_intervals(sample, one.plain, one.resampled, resamples=resamples, seed=seed)[0]
        for name, one in measures.items()
    }


def each_intervals(
    sample: Sample, measures: Mapping[str, Measure], names: Sequence[str], *, resamples: int, seed: int
) -> dict[str, dict[str, Interval]]:
    """Each metric with its interval for each class, label or value; nothing where there is no such metric."""
    columns = {
        name: patient_intervals(sample, one.plain, one.resampled, resamples=resamples, seed=seed)
        for name, one in measures.items()
    }
    if not columns:
        return {}
    return {c: {name: found[k] for name, found in columns.items()} for k, c in enumerate(names)}


def as_plain(
    slide: Mapping[str, Interval],
    patient: Mapping[str, Interval],
    each: Mapping[str, Mapping[str, Interval]],
    *,
    support: Mapping[str, int],
) -> dict[str, Any]:
    """Intervals as ``metrics.json`` holds them."""
    return {
        "slide": {name: found.to_dict() for name, found in slide.items()},
        "patient": {name: found.to_dict() for name, found in patient.items()},
        "per_class": {
            c: {name: found.to_dict() for name, found in row.items()} | {"support": support[c]}
            for c, row in each.items()
        },
    }


def how_made(
    slide: Mapping[str, Interval],
    patient: Mapping[str, Interval],
    each: Mapping[str, Mapping[str, Interval]],
    *,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """How the intervals were made, and which metrics some resamples leave undefined."""
    flat = {f"slide.{name}": found for name, found in slide.items()}
    flat |= {f"patient.{name}": found for name, found in patient.items()}
    flat |= {f"per_class.{c}.{name}": found for c, row in each.items() for name, found in row.items()}
    return {
        "method": "95 % percentile bootstrap over patients",
        "resamples": resamples,
        "seed": seed,
        "partly_defined": {k: found.defined for k, found in flat.items() if found.defined < resamples},
    }


def counts(
    rows: Sequence[Prediction] | Sequence[Estimate],
    sample: Sample,
    *,
    scored: Sequence[Prediction] | Sequence[Estimate],
    contradicting: int,
) -> dict[str, int]:
    """Slides, patients, repeats, folds and predictions that were scored, and those that were not."""
    unseen = [row for row in rows if row.split in SCORED_SPLITS]
    return {
        "slides": len({row.slide_id for row in scored}),
        "patients": len(sample.patients),
        "repeats": len(sample.repeats),
        "folds": len({row.fold for row in scored if row.fold >= 0}),
        "predictions": len(scored),
        "external": sum(row.split == "external" for row in scored),
        "unlabelled": len(unseen) - len(scored),
        "contradicting_patients": contradicting,
    }


def _confusion(sample: Sample) -> list[list[int]]:
    return np.sum([confusion(rows.labels, rows.probabilities) for rows in sample.repeats], axis=0).tolist()


def _support(sample: Sample) -> list[int]:
    """Slides of each class, a slide counting once however many repeats it stands in."""
    labels = {s: int(y) for rows in sample.repeats for s, y in zip(rows.slides, rows.labels, strict=True)}
    return np.bincount(list(labels.values()), minlength=sample.num_classes).tolist()
