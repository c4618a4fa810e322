"""``wsigraph benchmark`` asks whether space helps on a cohort, and lists the suites."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from wsigraph.io.features import read_features, write_features
from wsigraph.synthetic.features import arrangement_cohort

QUICK = [
    *("--recipes", "mean_pool,gcn", "--controls", "shuffled", "--seeds", "0", "--folds", "2"),
    *("--device", "cpu", "--set", "optimiser.epochs=1"),
]


@pytest.fixture
def own(feature_folder):
    """Arguments for the verb on twelve synthetic slides."""
    return ["benchmark", feature_folder / "labels.csv", "--features", feature_folder / "features"]


class Links(HTMLParser):
    """Collects what a page would load, and its text."""

    def __init__(self):
        super().__init__()
        self.loads, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_data(self, data):
        self.text.append(data)


def test_own_cohort(wsigraph, own, tmp_path):
    out = tmp_path / "out"
    cost = wsigraph(*own, "--out", out, *QUICK, "--most", "0")
    assert cost.code == 0, cost.err
    assert "They will take at most about" in cost.err
    assert "the smallest difference that would probably show is" in cost.err
    assert not (out / "cells").exists()

    left = wsigraph(*own, "--out", out, *QUICK, "--json")
    assert left.code == 0, left.err
    told = json.loads(left.out)
    (cohort,) = told["cohorts"].values()
    assert (cohort["name"], cohort["best_set"], cohort["best_graph"]) == ("labels", "mean_pool", "gcn")
    report = (out / "report.md").read_text(encoding="utf-8").replace("\\_", "_")
    assert cohort["verdict"]["sentence"] in report
    files = sorted((out / "cells").glob("*.json"))
    assert len(files) == 3 * 2  # mean_pool, gcn, gcn+shuffled; two folds
    (seen,) = [cell for cell in map(json.loads, (f.read_text() for f in files)) if cell["looks"]]
    assert (seen["recipe"], seen["control"], seen["fold"]) == ("gcn", "none", 0)  # mean_pool attends nowhere
    tested = {row["slide_id"]: row["label"] for row in seen["rows"]}
    assert sorted(tested[look["slide_id"]] for look in seen["looks"]) == [0, 1]
    for look in seen["looks"]:
        slide = read_features(own[3] / f"{look['slide_id']}.h5")
        centres = slide.coords + slide.patch_size_level0 / 2
        assert sorted(map(tuple, look["places"])) == sorted(
            map(tuple, np.round(centres).astype(int).tolist())
        )
        assert sum(look["attention"]) == pytest.approx(1.0, abs=1e-3)
    assert (out / "pictures" / "looks-labels.png").is_file()
    page = Links()
    page.feed((out / "report.html").read_text(encoding="utf-8"))
    assert all(link.startswith(("data:", "#")) for link in page.loads)
    assert "research use only" in " ".join(page.text).lower()
    again = "wsigraph benchmark labels.csv --features features --recipes mean_pool,gcn --controls shuffled"
    assert again in " ".join(page.text)
    assert "gcn+shuffled" in report

    before = [file.stat().st_mtime_ns for file in files]
    assert wsigraph(*own, "--out", out, *QUICK).code == 0
    assert [file.stat().st_mtime_ns for file in files] == before


def test_survival_is_asked_of_its_own_columns(wsigraph, own, feature_folder, tmp_path):
    rows = (feature_folder / "labels.csv").read_text().splitlines()
    told = [f"{row},{5 + 3 * i},{i % 3 % 2}" for i, row in enumerate(rows[1:])]
    own[1].write_text("\n".join([f"{rows[0]},months,died", *told]) + "\n")
    asked = [*own, "--out", tmp_path / "out", *QUICK, "--task", "cox"]
    left = wsigraph(*asked, "--time-col", "months", "--event-col", "died", "--json")
    assert left.code == 0, left.err
    (cohort,) = json.loads(left.out)["cohorts"].values()
    assert (cohort["classes"], cohort["verdict"]) == (0, None)
    assert cohort["gain"]["a"] == "gcn"
    assert wsigraph(*asked).code == 2  # there is no column 'time'


def test_a_suite_in_small(wsigraph, tmp_path):
    """What CI runs of the suites: a made-up contest, a set and a graph method, one epoch of one seed."""
    asked = ["benchmark", "synthetic", "--only", "clustering_1.0", "--out", tmp_path, *QUICK[:6]]
    left = wsigraph(*asked, "--device", "cpu", "--set", "optimiser.epochs=1", "--json")
    assert left.code == 0, left.err
    (told,) = json.loads(left.out)["cohorts"].values()
    assert (told["name"], told["synthetic"], told["slides"]) == ("clustering_1.0", True, 120)
    values = {method: one["value"] for method, one in told["methods"].items()}
    assert set(values) == {"mean_pool", "gcn", "gcn+shuffled"}
    assert abs(values["mean_pool"] - 0.5) < 0.02  # twins: the same rows with either label
    assert len(list((tmp_path / "cells").glob("*.json"))) == 3 * 3
    assert [folder.name for folder in (tmp_path / "data" / "synthetic").iterdir()] == ["clustering_1.0"]


@pytest.fixture
def lists(tmp_path):
    """Eight synthetic slides called as those of CAMELYON16, and a list of the two on its test side."""
    names = [f"{kind}_{i:03d}" for kind in ("normal", "tumor") for i in (1, 2, 3)] + ["test_001", "test_003"]
    (tmp_path / "manifests" / "acmil").mkdir(parents=True)
    listed = tmp_path / "manifests" / "acmil" / "camelyon16.csv"
    listed.write_text("test_001,Tumor\ntest_003,Normal\n")
    for features, name in zip(arrangement_cohort(8, grid=8, in_channels=4).features, names, strict=True):
        write_features(tmp_path / "features" / f"{name}.h5", replace(features, slide_id=name))
    return tmp_path


def test_a_public_cohort_by_name_with_its_official_split(wsigraph, lists, monkeypatch):
    monkeypatch.delenv("WSIGRAPH_DATA", raising=False)
    asked = ["benchmark", "camelyon16", "--features", lists / "features", "--data", lists]
    left = wsigraph(*asked, "--out", lists / "out", *QUICK, "--json")
    assert left.code == 0, left.err
    cells = [json.loads(f.read_text()) for f in (lists / "out" / "cells").glob("*.json")]
    assert {(cell["cohort"], cell["folds"]) for cell in cells} == {("camelyon16", 1)}
    assert {row["slide_id"] for cell in cells for row in cell["rows"]} == {"test_001", "test_003"}
    assert all(cell["num_train"] + cell["num_val"] == 6 for cell in cells)
    assert json.loads(left.out)["cohorts"]["camelyon16"]["verdict"]["answer"] == "cannot tell"  # two patients
    left = wsigraph(*asked[:4], "--out", lists / "other", *QUICK)
    assert left.code == 3
    assert "published lists in DIR/manifests" in left.err


def test_graph_methods_need_coordinates(wsigraph, own, feature_folder, tmp_path):
    file = sorted((feature_folder / "features").glob("*.h5"))[0]
    features = read_features(file)
    file.unlink()
    np.savez(file.with_suffix(".npz"), features=features.x)
    left = wsigraph(*own, "--out", tmp_path / "out", *QUICK)
    assert left.code != 0
    assert "slides with coordinates" in left.err
    assert not (tmp_path / "out" / "cells").exists()


def test_the_suites_are_listed_with_why_one_cannot_be_run(wsigraph, tmp_path):
    left = wsigraph("benchmark", "--data", tmp_path)
    assert left.code == 0
    lines = {line.split()[0]: line for line in left.out.splitlines() if line.strip()}
    assert lines["synthetic"].rstrip().endswith("yes")
    assert "no folder 'gg_pt1'" in lines["gg_pt1"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing_of_this_name", "--out", "x"], "expected one of"),
        (["gg_pt1", "--out", "x", "--data", "nowhere"], "no folder 'gg_pt1'"),
        (["synthetic"], "--out"),
        (["synthetic", "--out", "x", "--only", "spirals_1.0"], "--only: expected contests of"),
        (["synthetic", "--out", "x", "--seeds", "0,one"], "expected numbers like 0,1,2"),
        (["synthetic", "--out", "x", "--seeds", "0.5"], "expected numbers like 0,1,2"),
        (["synthetic", "--out", "x", "--shard", "3/2"], "expected 1 to 2 of 2"),
        (["synthetic", "--out", "x", "--controls", "mirrored"], "expected one of"),
    ],
)
def test_wrong_use(wsigraph, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    left = wsigraph("benchmark", *arguments)
    assert left.code in (2, 3)
    assert words in left.err
    assert not list(tmp_path.rglob("*.h5"))
