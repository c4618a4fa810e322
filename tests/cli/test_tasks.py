"""Tasks beyond classes through the command line alone."""

from __future__ import annotations

import csv
import json

import pytest

QUICK = [
    "--folds",
    "2",
    "--device",
    "cpu",
    "--set",
    "optimiser.epochs=1",
    "--set",
    "encoder.hidden_channels=8",
]
COX = ["--task", "cox", "--time-col", "months", "--event-col", "died"]


@pytest.fixture
def told(feature_folder):
    """The synthetic slides with made-up survival, grades and two markers."""
    rows = [line.split(",") for line in (feature_folder / "labels.csv").read_text().splitlines()[1:]]
    patients = sorted({patient for _, patient, _ in rows})
    lines = ["slide_id,patient_id,months,died,grade,er,pr"]
    for slide, patient, _ in rows:
        p = patients.index(patient)
        lines.append(
            f"{slide},{patient},{3 + 7 * p % 11},{int(p % 3 != 0)},{'low' if p % 2 else 'high'},{p % 2},1"
        )
    (feature_folder / "told.csv").write_text("\n".join(lines) + "\n")
    return feature_folder


def ask(told, *more, recipe="abmil", out="run"):
    given = [told / "told.csv", "--features", told / "features", "--recipe", recipe, "--out", told / out]
    return ["train", *given, *QUICK, *more]


def test_srmil_for_survival_from_manifest_to_heatmap(wsigraph, told):
    left = wsigraph(*ask(told, *COX, recipe="srmil"))
    assert left.code == 0, left.err
    assert "concordance" in left.out
    run, features = told / "run", told / "features"
    assert "concordance" in wsigraph("evaluate", run).out
    predicted = wsigraph("predict", run, features, "--out", told / "p.csv", "--json")
    assert predicted.code == 0, predicted.err
    values = json.loads(predicted.out)["values"]
    with (told / "p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["slide_id"]: float(row["risk"]) for row in rows} == {k: v["risk"] for k, v in values.items()}
    external = wsigraph(
        "evaluate", run, "--manifest", told / "told.csv", "--features", features, *COX[2:], "--json"
    )
    assert external.code == 0, external.err
    assert json.loads(external.out)["metrics"]["task"] == "cox"
    wrong = wsigraph("evaluate", run, "--manifest", told / "told.csv", "--features", features)
    assert wrong.code == 2
    assert "expected a column 'time'" in wrong.err
    drawn = wsigraph("heatmap", run, features / "synthetic_000.h5", "--out", told / "map.png")
    assert drawn.code == 0, drawn.err


def test_folds_trained_apart_are_merged(wsigraph, told):
    bins = ["--task", "discrete_time", *COX[2:], "--set", "task.num_bins=2", "--set", "task.times=[4, 9]"]
    assert wsigraph(*ask(told, *bins, out="whole")).code == 0
    for fold in (0, 1):
        left = wsigraph(*ask(told, *bins, "--fold", fold, out=f"part_{fold}"))
        assert left.code == 0, left.err
    merged = wsigraph("merge", told / "part_0", told / "part_1", "--out", told / "merged")
    assert merged.code == 0, merged.err
    texts = [(told / name / "predictions.csv").read_text() for name in ("whole", "merged")]
    assert texts[0] == texts[1]
    assert texts[0].splitlines()[0].endswith("time,event,risk,survival_4,survival_9")
    task = json.loads((told / "merged" / "fold_0" / "recipe.json").read_text())["task"]
    assert (task["num_bins"], task["times"], len(task["ends"])) == (2, [4, 9], 2)


def test_grades_in_the_order_given_and_several_labels(wsigraph, told):
    ordinal = ["--task", "ordinal", "--target-col", "grade"]
    unordered = wsigraph(*ask(told, *ordinal, out="a"))
    assert unordered.code == 2
    assert "--classes low,medium,high" in unordered.err
    left = wsigraph(*ask(told, *ordinal, "--classes", "low,high", out="b"))
    assert left.code == 0, left.err
    assert "quadratic kappa" in left.out
    assert (
        (told / "b" / "predictions.csv").read_text().splitlines()[0].endswith("label,pred,prob_low,prob_high")
    )
    left = wsigraph(
        *ask(
            told,
            "--task",
            "multilabel",
            "--target-col",
            "er,pr",
            out="c",
        ),
        "--json",
    )
    assert left.code == 0, left.err
    metrics = json.loads(left.out)["metrics"]
    assert metrics["per_class"]["er"]["auc"]["value"] is not None
    assert metrics["per_class"]["pr"]["auc"]["value"] is None  # all have it: nothing to tell apart
    assert metrics["slide"]["auc"]["value"] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "coxx"], "expected one of"),
        (["--task", "regression", "--time-col", "months", "--target-col", "months"], r"got ['time_col']"),
        ([*COX, "--set", "task.bins=3"], "['bins']"),
        ([*COX, "--set", "sampler.slides_per_step=1"], "at least 2 slides per step"),
        (["--task", "multilabel", "--target-col", "er,grade"], "in column 'grade', got "),
    ],
)
def test_wrong_use_is_said(wsigraph, told, more, said):
    left = wsigraph(*ask(told, *more))
    assert left.code == 2, left.err
    assert said in left.err


def test_pretraining_asks_nothing(wsigraph, told):
    left = wsigraph("train", told / "told.csv", "--features", told / "features", "--recipe", "srmil_pretrain",
                    "--out", told / "run", *COX)  # fmt: skip
    assert left.code == 2
    assert "expected no --task, got 'cox'" in left.err
