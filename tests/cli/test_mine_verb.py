"""``wsigraph mine`` on synthetic features, and what it says to wrong use."""

from __future__ import annotations

import csv
import json

QUICK = [
    *("--folds", "2", "--device", "cpu", "--set", "optimiser.epochs=1", "--classes", "scattered,clustered"),
    *("--mine", "rounds=1", "--mine", "epochs_per_round=1", "--mine", "warmup=0", "--mine", "floor=0"),
    *("--mine", "network.hidden_channels=4", "--mine", "steps=1", "--mine", "batch=16"),
]


def test_mine_writes_a_run_and_goes_on_where_it_was(wsigraph, feature_folder):
    place = [feature_folder / "labels.csv", "--features", feature_folder / "features"]
    out = feature_folder / "run"
    first = wsigraph("mine", *place, "--out", out, *QUICK, "--fold", "0")
    assert first.code == 0, first.err
    assert "fold 0 done" in first.out
    assert "mining with 'adapter' on features: will write up to" in first.err
    done = wsigraph("mine", *place, "--out", out, *QUICK, "--json")
    assert done.code == 0, done.err
    assert set(json.loads(done.out)) == {"run", "metrics", "failed"}
    with open(out / "predictions.csv", encoding="utf-8", newline="") as file:
        tested = [row for row in csv.DictReader(file) if row["split"] == "test"]
    assert len(tested) == 12
    assert (out / "report.html").is_file()
    assert (out / "mining.json").is_file()
    given = wsigraph("predict", out, feature_folder / "features", "--out", out / "again.csv")
    assert given.code == 0, given.err
    with open(out / "again.csv", encoding="utf-8", newline="") as file:
        again = {row["slide_id"]: row for row in csv.DictReader(file)}
    assert set(again) == {row["slide_id"] for row in tested}
    for row in tested:
        assert again[row["slide_id"]]["fold"] == row["fold"]
        found, wanted = (float(r["prob_clustered"]) for r in (again[row["slide_id"]], row))
        assert abs(found - wanted) < 1e-5
    scored = wsigraph("evaluate", out, "--manifest", *place, "--json")
    assert scored.code == 0, scored.err
    assert json.loads(scored.out)["metrics"]["counts"]["slides"] == 12
    needless = wsigraph("predict", out, place[0], "--out", out / "b.csv", "--images", feature_folder)
    assert needless.code != 0
    assert "expected no images, for it reads features" in needless.err


def test_wrong_use_is_said_in_one_line(wsigraph, feature_folder):
    place = [
        feature_folder / "labels.csv",
        "--features",
        feature_folder / "features",
        "--out",
        feature_folder / "x",
    ]
    unknown = wsigraph("mine", *place, "--mine", "round=2")
    assert unknown.code == 2
    assert "round: Extra inputs are not permitted" in unknown.err
    assert wsigraph("mine", *place, "--mine", "rounds").code == 2
    other = wsigraph("mine", *place, "--recipe", "abmil")
    assert other.code == 2
    assert "expected a term 'max_instance'" in other.err
    pixels = wsigraph("mine", *place, "--mine", "network=resnet18")
    assert pixels.code == 2
    assert "Give --images DIR" in pixels.err
