"""Each verb does its job on synthetic input, through the command line alone."""

from __future__ import annotations

import csv
import json

import pytest

QUICK = [
    *("--folds", "2", "--device", "cpu"),
    *("--set", "optimiser.epochs=1", "--set", "encoder.hidden_channels=8"),
]


def test_tile_then_encode_then_again(wsigraph, picture, tmp_path):
    out = tmp_path / "out"
    sizes = ["--patch-px", "64", "--mpp", "0.5", "--out", out]
    tiled = wsigraph("tile", picture, *sizes, "--json")
    assert tiled.code == 0
    assert json.loads(tiled.out)["done"] == ["synthetic_000"]
    encoded = wsigraph("encode", picture.parent, *sizes, "--encoder", "stain_texture")
    assert encoded.code == 0
    assert (out / "synthetic_000.h5").is_file()
    again = json.loads(wsigraph("encode", picture, *sizes, "--json").out)
    assert again["skipped"] == ["synthetic_000"]


def test_slide_mpp_comes_from_a_number_or_a_table_and_not_both(wsigraph, picture, tmp_path):
    table = tmp_path / "mpp.csv"
    table.write_text("slide_id,mpp\nsynthetic_000.tif,0.25\n")
    ask = ["tile", picture, "--patch-px", "64", "--mpp", "0.5", "--out", tmp_path / "out"]
    assert wsigraph(*ask, "--slide-mpp", "0.25", "--slide-mpp-csv", table).code == 2
    assert wsigraph(*ask, "--slide-mpp-csv", table).code == 0
    table.write_text("slide_id,mpp\nsynthetic_000,much\n")
    wrong = wsigraph(*ask, "--slide-mpp-csv", table)
    assert "line 2: expected a number for mpp, got 'much'" in wrong.err


def test_card_shows_one_slide_in_full_and_takes_builder_options(wsigraph, feature_folder):
    one = feature_folder / "features" / "synthetic_000.h5"
    assert "step confidence" in wsigraph("card", one).out
    radius = wsigraph("card", one, "--graph", "radius", "--option", "um=200", "--json")
    assert json.loads(radius.out)["cards"]["synthetic_000"]["max_degree"] == 8
    unknown = wsigraph("card", one, "--graph", "knn", "--option", "colour=red")
    assert unknown.code == 2
    assert "colour" in unknown.err


@pytest.fixture
def trained(wsigraph, feature_folder):
    """A tiny run of abmil on the synthetic features."""
    left = wsigraph(
        "train", feature_folder / "labels.csv", "--features", feature_folder / "features",
        "--recipe", "abmil", "--out", feature_folder / "run", *QUICK, "--json",
    )  # fmt: skip
    assert left.code == 0, left.err
    assert 0 <= json.loads(left.out)["metrics"]["slide"]["auc"]["value"] <= 1
    return feature_folder


def test_train_evaluate_predict_heatmap(wsigraph, trained):
    run, features = trained / "run", trained / "features"
    shown = wsigraph("evaluate", run)
    assert "balanced accuracy" in shown.out
    assert "For research only" in shown.out
    csv_file = trained / "new.csv"
    assert wsigraph("predict", run, features, "--out", csv_file).code == 0
    with csv_file.open() as file:
        assert len(list(csv.DictReader(file))) == 12
    picture = trained / "map.png"
    drawn = wsigraph(
        "heatmap", run, features / "synthetic_000.h5", "--out", picture, "--geojson", trained / "map.geojson"
    )
    assert drawn.code == 0, drawn.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert json.loads((trained / "map.geojson").read_text())["type"] == "FeatureCollection"


def test_pretrain_without_labels_then_start_from_it(wsigraph, feature_folder):
    features, run = feature_folder / "features", feature_folder / "pretrained"
    rows = (feature_folder / "labels.csv").read_text().splitlines()
    bare = feature_folder / "slides.csv"
    bare.write_text("\n".join(line.rsplit(",", 1)[0] for line in rows) + "\n")
    quick = ["--features", features, "--device", "cpu", *QUICK[4:]]
    done = wsigraph("train", bare, *quick, "--recipe", "srmil_pretrain", "--out", run)
    assert done.code == 0, done.err
    assert f"--start-from {run}" in done.out
    assert not (run / "predictions.csv").exists()
    ask = ["train", feature_folder / "labels.csv", *quick, "--folds", "2", "--start-from", run]
    left = wsigraph(*ask, "--out", feature_folder / "started", "--json")
    assert left.code == 0, left.err
    assert "weights start from" in left.err
    assert "transductive" in left.err
    assert json.loads((feature_folder / "started" / "run.json").read_text())["start"]["taken"]
    wrong = wsigraph(*ask, "--out", feature_folder / "wider", "--set", "encoder.hidden_channels=16")
    assert wrong.code == 3
    assert "an encoder of the same kind and width" in wrong.err
    assert wsigraph("predict", run, features, "--out", feature_folder / "p.csv").code == 3
    assert wsigraph("train", bare, *quick, "--out", feature_folder / "x").code == 2


def test_folds_trained_apart_are_merged(wsigraph, feature_folder):
    ask = [
        "train", feature_folder / "labels.csv", "--features", feature_folder / "features",
        "--recipe", "abmil", *QUICK,
    ]  # fmt: skip
    for fold in (0, 1):
        left = wsigraph(*ask, "--fold", fold, "--out", feature_folder / f"part_{fold}")
        assert left.code == 0, left.err
        assert "wsigraph merge" in left.out
    parts = [feature_folder / "part_0", feature_folder / "part_1"]
    merged = wsigraph("merge", *parts, "--out", feature_folder / "whole", "--json")
    assert merged.code == 0, merged.err
    assert (feature_folder / "whole" / "metrics.json").is_file()


def test_a_setting_that_does_not_exist_is_wrong_use(wsigraph, feature_folder):
    ask = ["train", feature_folder / "labels.csv", "--features", feature_folder / "features"]
    left = wsigraph(*ask, "--out", feature_folder / "run", "--set", "optimiser.speed=9")
    assert left.code == 2
    assert "optimiser.speed" in left.err
    assert wsigraph(*ask, "--out", feature_folder / "run", "--set", "quick").code == 2


def test_models_lists_recipes_and_parts(wsigraph):
    found = json.loads(wsigraph("models", "--json").out)
    recipes = {one["name"]: one for one in found["recipes"]}
    assert {"srmil", "abmil"} <= set(recipes)
    gated = 2 * (512 * 128 + 128) + 129
    assert recipes["abmil"]["parameters"] == 1024 * 512 + 512 + gated + 512 * 2 + 2
    assert recipes["abmil"]["citation"].startswith("@inproceedings{ilse2018")
    assert recipes["srmil_pretrain"]["tasks"] == ["pretraining"]
    assert {"classification", "cox", "hierarchy", "ordinal"} <= set(recipes["srmil"]["tasks"])
    assert "cox" not in recipes["clam_mb"]["tasks"]  # its loss of instances is one of classes
    assert "knn" in found["parts"]["graph builder"]
    assert "gated_attention" in wsigraph("models").out
