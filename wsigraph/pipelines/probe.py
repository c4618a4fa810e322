"""Cross-validate a logistic probe on slide-level features."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.errors import CohortError, RecipeError, WsigraphError, expected
from wsigraph.evaluation.decisions import freeze_all
from wsigraph.evaluation.patients import to_patients
from wsigraph.io.answers import write_predictions
from wsigraph.io.atomic import write_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.confusion_png import write_confusion
from wsigraph.io.join import write_join
from wsigraph.io.metrics_file import write_metrics
from wsigraph.io.report.run_report import RunReport, write_report
from wsigraph.io.report.sections import Picture
from wsigraph.io.slide_vectors import read_slide_vector
from wsigraph.io.thresholds_file import write_thresholds
from wsigraph.pipelines.cross_validate import RunResult
from wsigraph.pipelines.report_answers import score
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.probe import STRENGTHS, fit_probe
from wsigraph.training.splits import check_leaks, make_folds

TASK = "Reading slide vectors"
TITLE = "Logistic probe on slide-level features"


def probe_cohort(
    cohort: Cohort,
    *,
    out: str | Path,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    reporter: Reporter = Silent(),
) -> RunResult:
    """Fit and test a probe on every fold, in the folds that ``wsigraph train`` draws of the same manifest.

    Args:
        cohort: Slides with one class each; their feature files hold one vector.
        out: Folder of predictions, metrics, thresholds, report and ``probe.json``.
        folds: Folds per repeat, grouped by patient and stratified by class.
        repeats: How often the folds are drawn anew.
        seed: Seed of the folds.
        reporter: Hears of the progress.

    Raises: CohortError: if no slide can be used, vectors differ in length, or a class has too few patients.
        LeakError: if a patient or a vector would stand on two sides. RecipeError: if the task is not
        classification.
    """
    if cohort.task.name != "classification":
        raise RecipeError(expected("Probe", "the task classification", f"'{cohort.task.name}'"))
    cohort, x = _vectors(cohort, reporter)
    labels = np.array(cohort.targets)
    splits = make_folds(cohort.labels, cohort.patients, folds=folds, repeats=repeats, seed=seed)
    digests = [hashlib.sha256(row.tobytes()).hexdigest() for row in x]
    rows: list[Prediction] = []
    chosen = []
    for split in splits:
        check_leaks(split, cohort.patients, digests)
        fitted = fit_probe(x, labels, train=split.train, val=split.val, num_classes=len(cohort.classes))
        chosen.append({"repeat": split.repeat, "fold": split.fold, "strength": fitted.strength})
        for side, indices in (("test", split.test), ("val", split.val)):
            found = fitted.probabilities(x[list(indices)])
            for i, row in zip(indices, found, strict=True):
                slide = cohort.slides[i]
                rows.append(
                    Prediction(
                        slide.slide_id,
                        slide.patient_id,
                        tuple(row.tolist()),
                        label=int(labels[i]),
                        repeat=split.repeat,
                        fold=split.fold,
                        split=side,
                    )
                )
    settings = {"folds": folds, "repeats": repeats, "seed": seed, "tried": list(STRENGTHS), "chosen": chosen}
    return RunResult(Path(out), _write(Path(out), cohort, rows, settings), cohort.left_out)


def _vectors(cohort: Cohort, reporter: Reporter) -> tuple[Cohort, np.ndarray]:
    """The cohort less its bad slides, and ``[S, C]`` float64."""
    found, failed = {}, {}
    reporter.start(TASK, len(cohort))
    for slide in cohort.slides:
        try:
            found[slide.slide_id] = read_slide_vector(slide.path).astype(np.float64)
        except WsigraphError as error:
            failed[slide.slide_id] = str(error)
            reporter.say(f"slide '{slide.slide_id}' left out: {error}")
        reporter.advance(TASK)
    reporter.finish(TASK)
    widths = {len(vector): name for name, vector in found.items()}
    if len(widths) != 1:
        told = ", ".join(f"{width} ('{name}')" for width, name in widths.items())
        got = told or next(iter(failed.values()))
        raise CohortError(expected("Probe", "slide vectors of one length", got))
    return cohort.without(failed), np.stack(list(found.values()))


def _write(out: Path, cohort: Cohort, rows: Sequence[Prediction], settings: dict[str, Any]) -> dict[str, Any]:
    task, classes = cohort.task, cohort.classes
    tested = [row for row in rows if row.split == "test"]
    frozen = freeze_all(rows, task, classes)
    write_predictions(out / "predictions.csv", rows, task, classes)
    write_predictions(out / "patients.csv", to_patients(tested).predictions, task, classes)
    write_thresholds(out / "thresholds.json", frozen)
    metrics = score(rows, task, classes, frozen=frozen)
    write_metrics(out / "metrics.json", metrics)
    if cohort.join is not None:
        write_join(out / "join.csv", cohort.join)
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in ("wsigraph", "numpy", "scikit-learn")}
    data = {"source": cohort.source, "left_out": cohort.left_out}
    write_json(out / "probe.json", {**settings, "data": data, "versions": versions})
    write_confusion(out / "confusion.png", metrics["confusion"], classes, title=TITLE)
    said = "Confusion matrix of the held-out slides, summed over repeats."
    report = RunReport(
        TITLE,
        metrics,
        recipe=settings,
        versions=versions,
        pictures=[Picture(out / "confusion.png", said)],
        warnings=cohort.notes,
        joined=cohort.join.to_dict() if cohort.join else {},
    )
    write_report(out / "report.html", report)
    return metrics
