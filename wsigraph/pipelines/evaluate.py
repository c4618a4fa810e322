"""Metrics of a finished run, or of a run on another cohort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.summary import summarise
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.predictions import read_predictions, write_predictions
from wsigraph.pipelines.predict import predict_files
from wsigraph.pipelines.reporter import Reporter, Silent


def evaluate_run(
    run: str | Path, *, cohort: Cohort | None = None, reporter: Reporter = Silent()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Recompute a run's metrics from its predictions, or predict and score an external cohort.

    Args:
        run: The run folder.
        cohort: An external cohort; its answers go to ``<run>/external/``.
        reporter: Hears of the progress.

    Returns: What ``metrics.json`` holds, and the reason by slide for slides that failed.
    Raises: RunError: if the run is unfinished, or the cohort has classes the model does not know.
    """
    run = Path(run)
    if not (run / "run.json").is_file():
        raise RunError(
            expected(f"Run '{run}'", "a file run.json", "none", todo="Give a folder of `wsigraph train`.")
        )
    record = read_json(run / "run.json")
    if not record["recipe"]["heads"]:
        raise RunError(
            expected(f"Run '{run}'", "a classifier", "a pretrained encoder, which predicts nothing")
        )
    classes = tuple(record["recipe"]["classes"])
    if cohort is None:
        rows = read_predictions(run / "predictions.csv", classes=classes)
        return summarise(rows, classes), {}
    if set(cohort.classes) - set(classes):
        raise RunError(expected(f"Run '{run}'", f"labels among {list(classes)}", f"{list(cohort.classes)}"))
    cohort = replace(cohort, classes=classes)
    overlap = sorted(set(cohort.patients) & {row["patient_id"] for row in record["data"]["slides"].values()})
    if overlap:
        reporter.say(
            f"warning: {len(overlap)} patients of this cohort (first '{overlap[0]}') are in the run's own "
            "data; their slides are answered out of fold where the run tested them"
        )
    seen = sorted(set(cohort.patients) & set(record.get("start", {}).get("seen", {}).values()))
    if seen:
        reporter.say(
            f"warning: {len(seen)} patients of this cohort (first '{seen[0]}') were in the data of the run "
            "that this one started from"
        )
    _, rows, failed = predict_files(run, [slide.path for slide in cohort.slides], reporter=reporter)
    known = {
        slide.slide_id: (slide, target) for slide, target in zip(cohort.slides, cohort.targets, strict=True)
    }
    rows = [
        replace(row, patient_id=known[row.slide_id][0].patient_id, label=known[row.slide_id][1])
        for row in rows
    ]
    metrics = summarise(rows, classes)
    write_predictions(run / "external" / "predictions.csv", rows, classes)
    write_json(run / "external" / "metrics.json", metrics)
    return metrics, {**cohort.left_out, **failed}
