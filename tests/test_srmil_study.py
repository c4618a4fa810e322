"""The study's features, arms, folds and numbers are what its page says they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import wsigraph as wg
from benchmarks.srmil_study.arms import ARMS, build_recipe
from benchmarks.srmil_study.cohorts import STUDIES, Study
from benchmarks.srmil_study.fits import Bench, attention_auc
from benchmarks.srmil_study.page import write_page
from benchmarks.srmil_study.prepare import prepare, shuffled
from benchmarks.srmil_study.scores import Answers, difference, measured, verdict
from wsigraph.io.atomic import read_json, write_text
from wsigraph.patches.nucleus_window import COLUMNS, WINDOW_PX, statistics, windows

TINY = {"encoder.hidden_channels": 16, "heads.bag.hidden_channels": 8}


def test_a_window_is_the_picture_around_its_nucleus_and_mirrored_outside():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    inside, outside = windows(image, np.array([[20, 10], [-13, 5]]))
    assert (inside == image[10:37, 20:47]).all()
    assert (outside[:, 13:] == image[5:32, :14]).all()
    assert (outside[:, 12] == image[5:32, 1]).all()


def test_statistics_are_48_finite_columns_that_name_what_they_measure():
    rng = np.random.default_rng(1)
    patches = rng.integers(0, 256, (3, WINDOW_PX, WINDOW_PX, 3), dtype=np.uint8)
    patches[1] = 128
    found = dict(zip(COLUMNS, statistics(patches).T, strict=True))
    assert len(COLUMNS) == len(set(COLUMNS)) == 48
    assert np.isfinite(list(found.values())).all()
    assert found["green_mean"][0] == pytest.approx(patches[0, :, :, 1].mean() / 255, abs=1e-4)
    assert found["blue_std"][2] == pytest.approx(patches[2, :, :, 2].std() / 255, abs=1e-4)
    assert found["red_std"][1] == found["edges_strength"][1] == 0.0
    assert sum(found[f"pattern_{k}"][0] for k in range(10)) == pytest.approx(1.0, abs=1e-5)


def test_a_dark_nucleus_stands_out_from_its_surroundings():
    patch = np.full((1, WINDOW_PX, WINDOW_PX, 3), (230, 200, 220), np.uint8)
    patch[0, 9:18, 9:18] = (80, 60, 140)
    found = dict(zip(COLUMNS, statistics(patch)[0], strict=True))
    assert found["contrast_haematoxylin"] > 0.2
    assert found["core_haematoxylin_mean"] > found["haematoxylin_mean"]


def test_shuffling_moves_the_same_nodes_to_the_same_places():
    rng = np.random.default_rng(2)
    features = wg.PatchFeatures("s", rng.random((30, 4), np.float32), rng.integers(0, 500, (30, 2)))
    mixed = shuffled(features)
    assert (mixed.x == features.x).all()
    assert sorted(map(tuple, mixed.coords)) == sorted(map(tuple, features.coords))
    assert (mixed.coords != features.coords).any()
    assert (shuffled(features).coords == mixed.coords).all()


@pytest.mark.parametrize("name", sorted(ARMS))
def test_each_arm_differs_from_srmil_by_what_it_says(name):
    study, arm = STUDIES["crchisto"], ARMS[name]
    made = _recipe(name)
    plain = _recipe("A")
    assert plain.terms["reconstruction"].weight == 1.8
    assert plain.views["masked"].options["rate"] == 0.7
    assert made.optimiser == plain.optimiser
    assert made.graph.name == (study.graph["name"] if arm.keeps_graph else "edgeless")
    rates = {"C10": 0.1, "C30": 0.3, "C50": 0.5, "C90": 0.9}
    if arm.recipe == "srmil" and "masked" in made.views:
        assert made.views["masked"].options["rate"] == rates.get(name, 0.7)
    assert set(plain.terms) - set(made.terms) == set(arm.without) or arm.recipe == "abmil"
    made.build()


def test_leaving_the_reconstruction_out_is_the_same_as_weight_zero(tmp_path):
    _cohort(tmp_path)
    answers = []
    for left_out in (True, False):
        made = _recipe("B" if left_out else "A", **TINY)
        if not left_out:
            made = made.with_settings({"terms.reconstruction.weight": 0.0, "optimiser.weight_decay": 1e-5})
        answers.append(_trained(made, tmp_path, tmp_path / str(left_out)))
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=1e-6)


def test_a_run_writes_one_file_per_fit_skips_finished_ones_and_makes_a_page(tmp_path, monkeypatch):
    study = _study(tmp_path)
    monkeypatch.setitem(STUDIES, "crchisto", study)
    told: list[str] = []
    bench = Bench(study, tmp_path, commit="abc", listen=told.append)
    bench.run(["A", "C30", "A@25"], [0])
    files = sorted((tmp_path / "fits").glob("*.json"))
    assert len(files) == len(told) == 3 * 5
    before = [file.stat().st_mtime_ns for file in files]
    Bench(study, tmp_path).run(["A"], [0])
    assert [file.stat().st_mtime_ns for file in files] == before
    whole, some = (read_json(tmp_path / "fits" / f"crchisto-{arm}-seed0-fold0.json") for arm in ("A", "A@25"))
    assert whole["num_train"] > some["num_train"] == 4
    assert [row["slide_id"] for row in whole["slides"]] == [row["slide_id"] for row in some["slides"]]
    assert any(row["attention_auc"] is not None for row in whole["slides"] if row["label"])
    assert all(row["attention_auc"] is None for row in whole["slides"] if not row["label"])
    page = write_page(tmp_path, tmp_path / "out")
    assert "| A - C30 |" in page
    assert "Not all five seeds: A: seeds [0]" in page
    assert "abc" in page
    assert list((tmp_path / "out").glob("srmil_study_crchisto_*.png"))
    assert not (tmp_path / "running").exists() or not list((tmp_path / "running").iterdir())


def test_official_folds_are_read_from_the_manifest(tmp_path):
    sides = ["test/val/train/train", "train/test/train/val", "train/train/val/test", "val/train/test/train"]
    rows = [(f"s{i}", f"p{i}", "ab"[i % 2], side) for i, side in enumerate(sides)]
    _write(tmp_path / "x", rows, np.random.default_rng(0))
    study = Study("x", "", ("a", "b"), 5, {"name": "knn", "k": 2})
    splits = study.splits(study.cohort(tmp_path), seed=7)
    assert [split.test for split in splits] == [(0,), (1,), (3,), (2,)]
    assert splits[0].val == (3,)
    assert all(set(s.train) | set(s.val) | set(s.test) == {0, 1, 2, 3} for s in splits)


def test_attention_auc_counts_pairs_in_the_right_order(tmp_path):
    file = tmp_path / "t.csv"
    write_text(file, "epithelial\n1\n0\n0\n1\n")
    assert attention_auc(np.array([0.4, 0.3, 0.2, 0.1]), file) == pytest.approx(0.5)
    assert attention_auc(np.array([0.4, 0.1, 0.2, 0.3]), file) == pytest.approx(1.0)
    write_text(file, "epithelial\n1\n1\n")
    assert attention_auc(np.array([0.4, 0.6]), file) is None


def test_differences_are_paired_and_a_tie_is_called_a_tie():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 60)
    noise = rng.normal(0, 1, 60)
    good = _answers(labels, labels * 3.0 + noise - 1.5)
    bad = _answers(labels, labels * 0.3 + noise - 0.15)
    better = difference(good, bad, "AUC")
    assert better.value == pytest.approx(measured(good, "AUC").value - measured(bad, "AUC").value)
    assert verdict(better) == "more"
    assert verdict(difference(bad, good, "AUC")) == "less"
    same = difference(good, good, "recall")
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    assert verdict(same) == "tie"
    wanted = np.mean((labels * 3.0 + noise - 1.5)[labels == 1] > 0)
    assert measured(good, "recall").value == pytest.approx(wanted)


@pytest.mark.real
def test_gg_pt1_is_prepared_with_its_official_folds(real_data, tmp_path):
    prepare("gg_pt1", real_data, tmp_path)
    study = STUDIES["gg_pt1"]
    cohort = study.cohort(tmp_path)
    splits = study.splits(cohort, 0)
    assert len(cohort) == 520
    assert sorted(i for split in splits for i in split.test) == list(range(520))
    for split in splits:
        sides = [{cohort.patients[i] for i in side} for side in (split.train, split.val, split.test)]
        assert len(set.union(*sides)) == sum(map(len, sides))


@pytest.mark.real
def test_crchisto_nuclei_are_all_there(real_data, tmp_path):
    few = tmp_path / "data"
    for name in ("nuclei_by_class.csv", "bags.csv"):
        lines = (real_data / "crchisto" / name).read_text(encoding="utf-8").splitlines()
        kept = [lines[0], *(line for line in lines[1:] if line.split(",")[0] in ("img1", "img2"))]
        write_text(few / "crchisto" / name, "\n".join(kept) + "\n")
    (few / "crchisto" / "images").mkdir()
    for name in ("img1", "img2"):
        with Image.open(real_data / "crchisto" / "images" / f"{name}.png") as picture:
            picture.save(few / "crchisto" / "images" / f"{name}.png")
    prepare("crchisto", few, tmp_path)
    features = wg.read_features(tmp_path / "crchisto" / "true" / "img1.h5")
    assert features.x.shape == (20, 48)
    graph = wg.to_graph(features, wg.Radius(um=31.35))
    assert graph.mpp == 0.55
    centre = graph.pos[0].numpy()  # the first labelled nucleus of img1 lies at (148.78, 181.48)
    assert np.abs(centre - np.array([148.78, 181.48])).max() <= 0.5


def _recipe(name: str, **changes: object):
    study = STUDIES["crchisto"]
    made = build_recipe(
        ARMS[name],
        in_channels=5,
        classes=study.classes,
        graph=study.graph,
        settings={"optimiser.epochs": 2},
    )
    return made.with_settings(changes) if changes else made


def _trained(made, work: Path, folder: Path) -> torch.Tensor:
    from wsigraph.pipelines.cohort_graphs import prepare as scan
    from wsigraph.pipelines.one_fit import Task, answer_all, fit_one
    from wsigraph.pipelines.reporter import Silent
    from wsigraph.training.fit_loop import TrainerOptions

    cohort = replace(STUDIES["crchisto"], in_channels=5).cohort(work)
    made, cohort, store = scan(made, cohort, Silent())
    task = Task(made, cohort, store, folder, 0, TrainerOptions(device="cpu"))
    model = fit_one(task, train_on=range(12), validate_on=range(12, 16))
    return torch.tensor([row.probabilities for row in answer_all(task, model, range(16, 20), split="test")])


def _study(work: Path) -> Study:
    _cohort(work)
    settings = {"optimiser.epochs": 1, "sampler.slides_per_step": 4}
    return replace(STUDIES["crchisto"], in_channels=5, settings=settings)


def _cohort(work: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [(f"s{i}", f"s{i}", ("none", "epithelial")[i % 2], "") for i in range(20)]
    _write(work / "crchisto", rows, rng)
    for name, *_ in rows[1::2]:
        write_text(work / "crchisto" / "truth" / f"{name}.csv", "epithelial\n" + "0\n1\n" * 4)


def _write(folder: Path, rows: list[tuple[str, str, str, str]], rng: np.random.Generator) -> None:
    lines = ["slide_id,patient_id,label,split", *(",".join(row) for row in rows)]
    write_text(folder / "manifest.csv", "\n".join(lines) + "\n")
    for name, *_ in rows:
        x, coords = rng.random((8, 5), np.float32), rng.integers(0, 60, (8, 2))
        features = wg.PatchFeatures(name, x, coords, step_level0=0, mpp=0.55, encoder="e")
        wg.write_features(folder / "true" / f"{name}.h5", features)


def _answers(labels: np.ndarray, score: np.ndarray) -> Answers:
    slides = [
        {
            "slide_id": f"s{i}",
            "patient_id": f"s{i}",
            "label": int(label),
            "probability": float(1 / (1 + np.exp(-value))),
            "attention_auc": None,
        }
        for i, (label, value) in enumerate(zip(labels, score, strict=True))
    ]
    return Answers(({"seed": 0, "fold": 0, "slides": slides},), (0,))
