"""Colon cancer images (crchisto): runs of the command line beside logistic regression on the same features.

    python -m benchmarks.crchisto --features DIR --runs SRMIL ABMIL --permuted RUN... --out benchmarks/results

The runs come from ``wsigraph train`` (see ``benchmarks/README.md``); this script trains nothing but the
logistic regressions, on the folds the runs used, and compares by paired differences with intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.paired import paired_difference
from wsigraph.evaluation.summary import summarise
from wsigraph.io.atomic import read_json, write_text
from wsigraph.io.features import read_features
from wsigraph.io.predictions import read_predictions

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Inverse regularisation of the logistic regression, chosen by AUC inside each training fold."""


def bag_statistics(features: Path, slides: Sequence[str]) -> dict[str, np.ndarray]:
    """One row per slide: mean; mean and std; mean, std and maximum of each column."""
    rows = [read_features(features / f"{slide}.h5").x.astype(np.float64) for slide in slides]
    mean, std, top = (
        [f(x) for x in rows] for f in (lambda x: x.mean(0), lambda x: x.std(0), lambda x: x.max(0))
    )
    return {
        "LR mean": np.stack(mean),
        "LR mean+std": np.hstack([np.stack(mean), np.stack(std)]),
        "LR mean+std+max": np.hstack([np.stack(mean), np.stack(std), np.stack(top)]),
    }


def logistic(
    statistics: np.ndarray, rows: Sequence[Prediction], slides: Sequence[str], *, strengths: Sequence[float]
) -> list[Prediction]:
    """Out-of-fold answers on the very folds of ``rows``; train and validation slides of a fold both train.

    Several strengths are chosen among inside each training fold; a single one is fixed.
    """
    place = {slide: i for i, slide in enumerate(slides)}
    label = {row.slide_id: row.label for row in rows}
    answers = []
    for repeat, fold in sorted({(row.repeat, row.fold) for row in rows}):
        test = [row for row in rows if (row.repeat, row.fold) == (repeat, fold)]
        held = {row.slide_id for row in test}
        train = [slide for slide in slides if slide not in held]
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
            {"logisticregression__C": list(strengths)},
            scoring="roc_auc",
            cv=5,
        )
        search.fit(statistics[[place[s] for s in train]], [label[s] for s in train])
        found = search.predict_proba(statistics[[place[row.slide_id] for row in test]])
        answers += [
            Prediction(r.slide_id, r.patient_id, tuple(p.tolist()), label=r.label, repeat=repeat, fold=fold)
            for r, p in zip(test, found, strict=True)
        ]
    return answers


def load(run: Path) -> tuple[str, list[Prediction]]:
    """Recipe name and out-of-fold rows of a run."""
    rows = read_predictions(run / "predictions.csv")
    return read_json(run / "run.json")["recipe"]["name"], [row for row in rows if row.split == "test"]


def report(features: Path, runs: Sequence[Path], permuted: Sequence[Path]) -> str:
    """The Markdown page."""
    record = read_json(runs[0] / "run.json")
    classes, plan, made = record["recipe"]["classes"], record["plan"], record["recipe"]["features"]
    answers = dict(load(run) for run in runs)
    slides = sorted(record["data"]["slides"])
    first = next(iter(answers.values()))
    for name, statistics in bag_statistics(features, slides).items():
        answers[name] = logistic(statistics, first, slides, strengths=STRENGTHS)
        for strength in STRENGTHS[1:] if name.endswith("max") else ():
            fixed = logistic(statistics, first, slides, strengths=[strength])
            answers[f"{name}, C={strength:g} fixed"] = fixed
    lines = [
        f"# crchisto, {plan['repeats']} x {plan['folds']}-fold, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{len(slides)} real H&E images, label = any epithelial nucleus. "
        f"Features: `{made['encoder']}`, patches of {made['patch_px']} px at {made['target_mpp']} um/px. "
        "There are no patient ids, so image-wise "
        "folds are optimistic. Intervals: 95 %, by resampling images, each repeat averaged.",
        "",
        "| model | accuracy | AUC | Brier |",
        "|---|---|---|---|",
    ]
    for name, rows in answers.items():
        lines.append(f"| {name} | {_cells(summarise(rows, classes)['slide'])} |")
    for run in permuted:
        name, rows = load(run)
        lines.append(f"| {name}, permuted labels | {_cells(summarise(rows, classes)['slide'])} |")
    lines += [
        "",
        "LR chooses its strength C inside each training fold, except where it is fixed: the best of those",
        "is a choice in hindsight, kept as the hardest baseline. Permuted labels: shuffled once, one repeat.",
        "",
        "Paired differences (first minus second). The verdict is by the 95 % interval; p is by permutation,",
        "not corrected for the number of pairs. Controls for space (shuffled coordinates, no edges) are not",
        "part of this.",
        "",
    ]
    lines += ["| pair | metric | difference | p | verdict |", "|---|---|---|---|---|"]
    best = max((n for n in answers if n.startswith("LR")), key=lambda n: _auc(answers[n], classes))
    models = [name for name in answers if not name.startswith("LR")]
    pairs = [(a, b) for i, a in enumerate(models) for b in models[i + 1 :]] + [(m, best) for m in models]
    for a, b in pairs:
        for metric in ("auc", "accuracy"):
            found = paired_difference(answers[a], answers[b], metric=metric)
            verdict = {"a": a, "b": b}.get(found.verdict, "neither")
            lines.append(
                f"| {a} - {b} | {metric} | {found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}] | "
                f"{found.p_value:.3f} | {verdict} |"
            )
    return "\n".join(lines) + "\n"


def _cells(level: dict) -> str:
    return " | ".join(
        f"{level[k]['value']:.3f} [{level[k]['low']:.3f}, {level[k]['high']:.3f}]"
        for k in ("accuracy", "auc", "brier")
    )


def _auc(rows: Sequence[Prediction], classes: Sequence[str]) -> float:
    return summarise(rows, classes, resamples=1)["slide"]["auc"]["value"]


def main() -> None:
    """Read runs, write the dated page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--permuted", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    page = report(given.features, given.runs, given.permuted)
    write_text(given.out / f"crchisto_{datetime.now(UTC):%Y-%m-%d}.md", page)
    print(page)


if __name__ == "__main__":
    main()
