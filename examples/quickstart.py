"""A first look, with no download: a graph method and a set method on slides whose label is arrangement alone.

    python examples/quickstart.py [--out quickstart] [--slides 40]

The slides are synthetic: both classes hold the same patches, in groups or scattered, so a set method is at
chance whatever it learns. With your own features the first paragraph is all that changes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import wsigraph as wg
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import interval
from wsigraph.evaluation.paired import paired_difference
from wsigraph.io.predictions import read_predictions
from wsigraph.synthetic.features import arrangement_cohort

QUICK = {"optimiser.epochs": 10, "optimiser.lr": 1e-3, "encoder.hidden_channels": 32}


def main(given: list[str] | None = None) -> dict:
    """Compare both methods on the same folds, and say what that shows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("quickstart"))
    parser.add_argument("--slides", type=int, default=40)
    asked = parser.parse_args(given)

    # A folder of feature files and a table of slide_id, patient_id and label.
    made, rows = arrangement_cohort(asked.slides), ["slide_id,patient_id,label"]
    for features, label, patient in zip(made.features, made.labels, made.patients, strict=True):
        wg.write_features(asked.out / "features" / f"{features.slide_id}.h5", features)
        rows.append(f"{features.slide_id},{patient},{made.classes[label]}")
    (asked.out / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    # Slides with their classes, in the same folds for both methods; each is answered by a model that never
    # saw its patient.
    cohort = wg.Cohort.from_manifest(asked.out / "labels.csv", features=asked.out / "features")
    width, scores = made.features[0].x.shape[1], {}
    with ScreenReporter() as reporter:
        for name in ("srmil", "abmil"):
            recipe = wg.recipe(name, in_channels=width, classes=cohort.classes).with_settings(QUICK)
            run = asked.out / name
            result = wg.cross_validate(recipe, cohort, folds=3, out=run, reporter=reporter)
            scores[name] = result.metrics["patient"]["auc"]
    for name, auc in scores.items():
        print(f"{name}: AUC {interval(auc)}, report {asked.out / name / 'report.html'}")

    # The difference on the same patients, with its interval.
    answers = {
        name: [
            row
            for row in read_predictions(asked.out / name / "predictions.csv", classes=cohort.classes)
            if row.split == "test"
        ]
        for name in scores
    }
    found = paired_difference(answers["srmil"], answers["abmil"], metric="auc")
    print(f"srmil - abmil: {found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}], synthetic slides")
    return {**scores, "difference": found}


if __name__ == "__main__":
    main()
