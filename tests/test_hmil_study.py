"""The study of HMIL: cohorts, arms and numbers are what its page says they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.hmil_study import prepare as preparing
from benchmarks.hmil_study.arms import ARMS, FLAT, build_recipe
from benchmarks.hmil_study.cohorts import FOLDS, STUDIES, cells_class
from benchmarks.hmil_study.fits import Bench
from benchmarks.hmil_study.page import write_page
from benchmarks.hmil_study.scores import difference, load, measured
from wsigraph.io.atomic import read_json, write_json

STUDY = STUDIES["synthetic"]


@pytest.mark.parametrize(
    ("kinds", "labels"),
    [
        ({"epithelial": 3, "others": 2}, ("epithelium", "mostly epithelium")),
        ({"epithelial": 2, "others": 2}, ("epithelium", "some epithelium")),
        ({"epithelial": 1, "inflammatory": 90}, ("epithelium", "some epithelium")),
        ({"inflammatory": 3, "fibroblast": 2}, ("no epithelium", "inflammation")),
        ({"inflammatory": 3, "fibroblast": 3}, ("no epithelium", "fibroblasts")),
        ({"others": 1}, ("no epithelium", "other cells")),
    ],
)
def test_labels_of_an_image_are_counts_of_its_nuclei(kinds, labels):
    assert cells_class(Counter(kinds)) == labels
    tree = STUDIES["crchisto"].tree
    assert tree.line(-1, tree.index(-1, labels[1]))[0] == tree.index(0, labels[0])


@pytest.mark.parametrize("name", sorted(ARMS))
def test_each_arm_differs_from_hmil_by_what_it_says(name):
    arm = ARMS[name]
    made, whole = (
        build_recipe(one, STUDY.tree, in_channels=16, graph=STUDY.graph, settings=STUDY.settings)
        for one in (arm, ARMS["H"])
    )
    if arm.recipe == "hmil":
        lost, won = set(whole.terms) - set(made.terms), set(made.terms) - set(whole.terms)
        assert (lost, won) == (set(arm.without), {"reconstruction"} if name == "HGR" else set())
    assert set(made.heads) == ({"fine"} if arm.without == FLAT else {"fine", "coarse"})
    assert made.heads["fine"] == whole.heads["fine"]
    assert (made.encoder.name, made.graph.name) == (
        ("gat", "knn") if arm.on_graph else ("bottleneck", "edgeless")
    )
    assert (made.optimiser, made.sampler) == (whole.optimiser, whole.sampler)
    made.build()


def fits(work, arm, *, skill, seeds=(0, 1)):
    """Made-up fits: the right line with a chance, else a sibling or any."""
    tree, task = STUDY.tree, STUDY.task
    for seed in seeds:
        rng = np.random.default_rng([seed, round(100 * skill)])
        for fold in range(FOLDS):
            slides = []
            for i in range(fold, 60, FOLDS):
                line = tree.line(-1, i % 7)
                said = line if rng.random() < skill else tree.line(-1, int(rng.integers(7)))
                values = [0.0] * task.places[0].stop
                for at, place in enumerate(task.places):
                    values[place] = (
                        0.9 * np.eye(len(tree.classes[at]))[said[at]] + 0.1 / len(tree.classes[at])
                    ).tolist()
                labels = [float(line[0]), -1.0 if i % 10 == 0 else float(line[1])]
                slides.append(
                    {"slide_id": f"s{i}", "patient_id": f"p{i // 2}", "labels": labels, "values": values}
                )
            record = {
                "data": "synthetic",
                "arm": arm,
                "seed": seed,
                "fold": fold,
                "commit": "abc",
                "best_epoch": 3,
            }
            record |= {"settings": dict(STUDY.settings), "seconds": 2.0, "slides": slides}
            write_json(work / "fits" / f"synthetic-{arm}-seed{seed}-fold{fold}.json", record)


def test_the_page_tells_a_better_arm_and_leaves_out_unfinished_seeds(tmp_path):
    fits(tmp_path, "H", skill=0.9)
    fits(tmp_path, "F", skill=0.4)
    (tmp_path / "fits" / "synthetic-H-seed1-fold3.json").unlink()
    found = load(tmp_path)
    assert found["synthetic", "H"].seeds == (0,)
    page = write_page(tmp_path, tmp_path / "out")
    assert "H - F" in page
    assert "Not all five seeds: F: seeds [0, 1]; H: seeds [0]" in page
    assert "made-up features" in page
    change = difference(found["synthetic", "H"], found["synthetic", "F"], "severity")
    assert change.difference < 0
    assert change.verdict == "a"
    assert (
        f"{change.difference:+.3f} [{change.low:+.3f}, {change.high:+.3f}] p {change.p_value:.3f} H better"
        in page
    )


def test_severity_is_the_mean_number_of_levels_that_are_wrong(tmp_path):
    fits(tmp_path, "H", skill=0.7, seeds=(0,))
    answers, tree = load(tmp_path)["synthetic", "H"], STUDY.tree
    wrong = []
    for record in answers.records:
        for row in record["slides"]:
            values = [row["values"][place] for place in STUDY.task.places]
            said = tree.line(-1, int(np.argmax(values[1])))
            if row["labels"][1] >= 0:
                wrong.append(sum(a != b for a, b in zip(said, row["labels"], strict=True)))
    assert measured(answers, "severity").value == pytest.approx(np.mean(wrong))
    mistakes = [w for w in wrong if w]
    assert measured(answers, "severity of mistakes").value == pytest.approx(np.mean(mistakes))


def test_a_fit_is_kept_and_never_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr(preparing, "SLIDES", 42)
    preparing.prepare("synthetic", tmp_path, tmp_path)
    heard = []
    study = replace(STUDY, settings={**STUDY.settings, "optimiser.epochs": 1})
    for _ in range(2):
        Bench(study, tmp_path, listen=heard.append).run(["F"], [0], folds=[0])
    assert len(heard) == 1
    record = read_json(tmp_path / "fits" / "synthetic-F-seed0-fold0.json")
    for row in record["slides"]:
        fine, coarse = row["values"][:7], row["values"][7:]
        sums = np.bincount(STUDY.tree.ancestors(), weights=fine)  # flat: coarse answers are sums
        np.testing.assert_allclose(coarse, sums, atol=1e-5)
    labels = np.array([row["labels"] for row in record["slides"]])
    assert (labels[:, 1] == -1).any()
    assert not (tmp_path / "running" / "synthetic-F-seed0-fold0").exists()
