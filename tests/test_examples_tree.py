"""The examples over label trees, BRACS and PANDA: on true lists as a user runs them, and on made-up ones."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.errors import CohortError

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ("bracs", "panda")


def as_a_user(name, *given, folder, data):
    """Run it in a process of its own, from an empty folder; returns what it said and its metrics."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WSIGRAPH_DATA": str(data)}
    command = [
        sys.executable,
        "-W",
        "error::UserWarning",
        str(EXAMPLES / f"{name}.py"),
        "--out",
        "RUN",
        *given,
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return done, json.loads((folder / "RUN" / "run" / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run an example here; returns its metrics and what it said on stdout and on stderr."""

    def call(name, *given, out="RUN"):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setenv("WSIGRAPH_DATA", "nowhere")
        metrics = module.main(["--out", str(tmp_path / out), *map(str, given)])
        return metrics, *capsys.readouterr()

    return call


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def bracs_table(folder, slides, patient=lambda i, side: f"{side} {i // 2}"):
    """A made-up table in the form of the data set's own: half of the slides train, a quarter validates."""
    names, rows = ready_tree("bracs").names(), []
    for i in range(slides):
        side = ("Training", "Training", "Validation", "Testing")[i // 7 % 4]
        rows.append([f"BRACS_{i:04d}", patient(i, side), names[i % 7], side])
    return write(folder / "BRACS.csv", ["WSI Filename", "Patient Id", "WSI label", "Set"], rows)


def panda_table(folder, slides, *, patients=False):
    """A made-up table in the form of the challenge's own, with two slides per patient where it has any."""
    rows = [
        [f"{i:032x}", ("karolinska", "radboud")[i // 6 % 2], i % 6, *([f"p{i % 6}_{i // 12}"] * patients)]
        for i in range(slides)
    ]
    header = ["image_id", "data_provider", "isup_grade", *(["patient_id"] * patients)]
    return write(folder / "train.csv", header, rows)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_said(run, name, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(name)
    assert "--features is needed, or --smoke" in capsys.readouterr().err
    with pytest.raises(CohortError, match="nowhere"):
        run(name, "--smoke")
    other = write(tmp_path / "other.csv", ["a", "b"], [["1", "2"]])
    with pytest.raises(CohortError, match=r"other.csv': expected columns .*, got \['a', 'b'\]"):
        run(name, other, "--smoke")


def test_a_side_that_is_none_is_refused(run, tmp_path):
    made = bracs_table(tmp_path, 28)
    made.write_text(made.read_text(encoding="utf-8").replace("Testing", "hold out"), encoding="utf-8")
    with pytest.raises(CohortError, match="expected train, val or test, got 'hold out'"):
        run("bracs", made, "--smoke")


@pytest.mark.real
def test_bracs_on_the_official_split(real_data, tmp_path):
    done, metrics = as_a_user("bracs", "--smoke", folder=tmp_path, data=real_data)
    assert "cohort: train 395, val 65, test 87 slides" in done.stdout
    assert "warning" not in done.stdout  # the public list names no patients
    assert "each slide counts as its own patient" in done.stderr
    assert "The features are synthetic" in done.stderr
    told = {row["slide_id"]: row for row in table(tmp_path / "RUN" / "labels.csv")}
    assert Counter(row["split"] for row in told.values()) == {"train": 395, "val": 65, "test": 87}
    official = {"N": 44, "PB": 147, "UDH": 74, "FEA": 41, "ADH": 48, "DCIS": 61, "IC": 132}
    assert Counter(row["label"] for row in told.values()) == official
    rows = [row for row in table(tmp_path / "RUN" / "run" / "predictions.csv") if row["split"] == "test"]
    assert {row["slide_id"] for row in rows} == {name for name, row in told.items() if row["split"] == "test"}
    assert all(row["label"] == told[row["slide_id"]]["label"] for row in rows)
    assert metrics["slide"]["auc"]["value"] > 0.9
    assert metrics["levels"]["slide"]["group"]["auc"]["value"] > 0.9
    assert metrics["counts"]["slides"] == 87
    page = (tmp_path / "RUN" / "run" / "report.html").read_text(encoding="utf-8")
    assert "grouped by the label tree" in page
    assert (tmp_path / "RUN" / "run" / "confusion.png").is_file()


@pytest.mark.real
def test_panda_over_grades_of_the_true_lists(real_data, tmp_path):
    done, metrics = as_a_user("panda", "--smoke", folder=tmp_path, data=real_data)
    told = table(tmp_path / "RUN" / "labels.csv")
    assert f"smoke: {len(told)} of 9,555 slides" in done.stdout
    true = [
        r
        for name in ("train", "val", "test")
        for r in table(real_data / "manifests/panther" / f"panda_{name}.csv")
    ]
    grades = {row["FILENAME"]: row["isup_grade"] for row in true}
    assert all(row["label"] == grades[row["slide_id"]] for row in told)
    shares = Counter(row["isup_grade"] for row in true)
    for grade, count in Counter(row["label"] for row in told).items():
        assert abs(count - shares[grade] / 50) <= 2, grade
    rows = [row for row in table(tmp_path / "RUN" / "run" / "predictions.csv") if row["split"] == "test"]
    assert sorted(row["slide_id"] for row in rows) == sorted(row["slide_id"] for row in told)
    assert metrics["slide"]["auc"]["value"] > 0.9
    assert metrics["tree"]["classes"][0] == ["no cancer", "grades 1-2", "grades 3-5"]
    assert (tmp_path / "RUN" / "run" / "report.html").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_random_features_are_chance(run, name, tmp_path):
    made = bracs_table(tmp_path, 280) if name == "bracs" else panda_table(tmp_path, 3000)
    metrics, _, _ = run(name, made, "--smoke", "--random")
    assert 0.38 < metrics["slide"]["auc"]["value"] < 0.62


def test_patient_67_is_named_kept_and_stands_in_the_report_or_is_dropped(run, tmp_path):
    """As in the official split, where the patient numbered 67 trains and validates."""

    def patient(i, side):
        return "67" if i in (0, 1, 7, 14) else f"{side} {i // 2}"

    made = bracs_table(tmp_path, 84, patient)
    said = "warning: 1 patient has slides on more than one side: '67' (train 3, val 1)"
    given = (made, "--smoke", "--recipe", "abmil")
    kept = run("bracs", *given, out="kept")
    dropped = run("bracs", *given, "--drop-overlap", out="dropped")
    assert f"{said}; they stay; see --drop-overlap." in kept[1]
    assert f"{said}; only their last side stays." in dropped[1]
    trained, pages = {}, {}
    for name in ("kept", "dropped"):
        rows = table(tmp_path / name / "labels.csv")
        trained[name] = {row["slide_id"] for row in rows if row["split"] == "train"}
        pages[name] = (tmp_path / name / "run" / "report.html").read_text(encoding="utf-8")
    assert trained["kept"] - trained["dropped"] == {"BRACS_0000", "BRACS_0001", "BRACS_0007"}
    assert "1 patient has slides on more than one side" in pages["kept"]
    assert "on more than one side" not in pages["dropped"]


def test_67_patients_on_two_sides_are_counted(run, tmp_path):
    """However many there are: 67 pairs of a training and a validation slide, five of them named."""
    names, sides = ready_tree("bracs").names(), ("Training", "Validation")
    rows = [[f"BRACS_{i:04d}", i % 67, names[i % 67 % 7], sides[i // 67]] for i in range(134)]
    rows += [[f"BRACS_{i:04d}", i, names[i % 7], "Testing"] for i in range(200, 221)]
    made = write(tmp_path / "BRACS.csv", ["WSI Filename", "Patient Id", "WSI label", "Set"], rows)
    _, said, _ = run("bracs", made, "--smoke", "--recipe", "abmil")
    assert "warning: 67 patients have slides on more than one side: '0' (train 1, val 1)" in said
    assert "and 62 more; they stay" in said


def test_panda_folds_keep_patients_together_where_the_table_names_them(run, tmp_path):
    made = panda_table(tmp_path, 3600, patients=True)
    _, _, said = run("panda", made, "--smoke", "--recipe", "abmil", "--folds", "2")
    assert "each slide counts as its own patient" not in said
    rows = [row for row in table(tmp_path / "RUN" / "run" / "predictions.csv") if row["split"] == "test"]
    patients = {row["slide_id"]: row["patient_id"] for row in table(tmp_path / "RUN" / "labels.csv")}
    assert {row["slide_id"]: row["patient_id"] for row in rows} == patients
    assert len(rows) == 2 * len(set(patients.values()))
    assert len({(row["patient_id"], row["fold"]) for row in rows}) == len(set(patients.values()))


def test_hmil_on_a_graph_is_one_option(run, tmp_path):
    run("bracs", bracs_table(tmp_path, 56), "--smoke", "--graph", "knn")
    recipe = json.loads((tmp_path / "RUN" / "run" / "run.json").read_text(encoding="utf-8"))["recipe"]
    assert (recipe["name"], recipe["encoder"]["name"], recipe["graph"]["name"]) == ("hmil", "gat", "knn")
    assert set(recipe["heads"]) == {"coarse", "fine"}
