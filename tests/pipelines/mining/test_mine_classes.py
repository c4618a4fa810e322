"""Mining of more than two classes: each against patches of slides that are not of it, siblings first."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

import wsigraph as wg
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.pipelines.mine_scores import read_scores
from wsigraph.synthetic.hierarchy import synthetic_tree, tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal

SMALL = {
    "encoder.hidden_channels": 8,
    "encoder.heads": 1,
    "heads.fine.embed_channels": 8,
    "heads.fine.hidden_channels": 4,
    "heads.coarse.hidden_channels": 4,
    "heads.patches.query_channels": 4,
    "optimiser.epochs": 1,
}
RATIO, REACH = 0.1, 2.0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Synthetic slides of seven classes in three groups with an official split; some of unknown class."""
    folder, tree = tmp_path_factory.mktemp("classes"), synthetic_tree()
    made = tree_cohort(42, seed=0, signal=SetSignal(strength=8.0, siblings=1.0, grid=7), coarse_only=0.2)
    rows = [["slide_id", "patient_id", "split", *tree.levels]]
    for i, (features, labels) in enumerate(zip(made.features, made.labels, strict=True)):
        write_features(folder / "features" / f"{features.slide_id}.h5", features)
        told = [names[k] if k >= 0 else "" for names, k in zip(tree.classes, labels, strict=True)]
        side = ("train", "train", "train", "train", "val", "test")[i // 7]
        rows.append([features.slide_id, f"p{i}", side, *told])
    with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return Cohort.from_manifest(
        folder / "labels.csv", features=folder / "features", task=Hierarchy(tree, target_col="group,subtype")
    )


def hardest(scores, places, count):
    """The highest scores of some slides, by a plain sort, and how many patches these slides hold."""
    held = np.sort(np.concatenate([scores[i] for i in places]))[::-1] if places else np.zeros(0)
    return held[:count], len(held)


def test_over_a_tree_siblings_give_the_hard_negatives_first(cohort, run_loop, settings, tmp_path):
    tree = synthetic_tree()
    method = wg.recipe("all_three", in_channels=16, task=cohort.task).with_settings(SMALL)
    loop = settings(ratio=RATIO, reach=REACH, epochs_per_round=1)
    result = run_loop(cohort, tmp_path, method=method, settings=loop)
    scores = read_scores(tmp_path / "fold_0" / "round_0" / "scores.safetensors")
    fine = {
        slide.slide_id: int(target[-1]) for slide, target in zip(cohort.slides, cohort.targets, strict=True)
    }
    labels = [fine[name] for name in scores.slides]
    assert list(scores.labels) == labels
    assert -1 in labels
    record = json.loads((tmp_path / "fold_0" / "round_1" / "mining.json").read_text())["epochs"][0]
    assert set(record["classes"]) == set(tree.names())
    for c, name in enumerate(tree.names()):
        one, column = record["classes"][name], [s[:, c] for s in scores.scores]
        siblings = [k for k in range(7) if k != c and tree.line(-1, k)[0] == tree.line(-1, c)[0]]
        far = [k for k in range(7) if k != c and k not in siblings]
        near_places, far_places = ([i for i, k in enumerate(labels) if k in ks] for ks in (siblings, far))
        _, near_size = hardest(column, near_places, 0)
        _, far_size = hardest(column, far_places, 0)
        wanted = math.ceil(round(RATIO * (near_size + far_size), 6))
        from_near = min(wanted, math.ceil(round(REACH * RATIO * near_size, 6)))
        for tier, places, classes, count in zip(
            one["tiers"],
            (near_places, far_places),
            (siblings, far),
            (from_near, wanted - from_near),
            strict=True,
        ):
            taken, size = hardest(column, places, count)
            assert (tier["classes"], tier["patches"], tier["taken"]) == (classes, size, count)
            assert tier["threshold"] == pytest.approx(float(taken[-1]))
        assert from_near / near_size > (wanted - from_near) / far_size  # siblings give a larger share
        assert one["unknown_slides"] == labels.count(-1)
    assert {"group", "subtype"} <= set(result.metrics["levels"]["slide"])


def test_classes_without_a_tree_are_mined_against_all_others_alike(
    cohort, run_loop, settings, small, tmp_path
):
    known = [i for i, target in enumerate(cohort.targets) if target[-1] >= 0]
    manifest, names = tmp_path / "labels.csv", ("A", "B", "C")
    rows = [["slide_id", "patient_id", "split", "label"]]
    for i in known:
        slide = cohort.slides[i]
        rows.append([slide.slide_id, slide.patient_id, slide.split, names[int(cohort.targets[i][0])]])
    manifest.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    flat = Cohort.from_manifest(manifest, features=cohort.slides[0].path.parent, classes=names)
    method = wg.recipe("hnm", in_channels=16, classes=names).with_settings(
        {"optimiser.epochs": 1, "heads.bag.query_channels": 4}
    )
    result = run_loop(flat, tmp_path / "run", method=method, settings=settings(ratio=RATIO))
    scores = read_scores(tmp_path / "run" / "fold_0" / "round_0" / "scores.safetensors")
    record = json.loads((tmp_path / "run" / "fold_0" / "round_1" / "mining.json").read_text())["epochs"][0]
    for c, name in enumerate(names):
        places = [i for i, label in enumerate(scores.labels) if label != c]
        (tier,) = record["classes"][name]["tiers"]
        _, size = hardest([s[:, c] for s in scores.scores], places, 0)
        count = math.ceil(round(RATIO * size, 6))
        taken, _ = hardest([s[:, c] for s in scores.scores], places, count)
        assert (tier["taken"], tier["patches"]) == (count, size)
        assert tier["threshold"] == pytest.approx(float(taken[-1]))
    assert set(result.metrics["per_class"]) == set(names)
