"""``wsigraph cohort`` lists public data sets and writes the manifest of one."""

from __future__ import annotations

import json

from wsigraph.io.cohorts.base import PublicCohort


def test_all_that_are_known_are_listed_with_place_and_licence(wsigraph):
    told = json.loads(wsigraph("cohort", "--json").out)["cohorts"]
    assert [row["name"] for row in told] == PublicCohort.registry.names()
    assert all(row["slides"].startswith("https://") and row["licence"] for row in told)
    assert "camelyon16" in wsigraph("cohort").out


def test_a_manifest_is_written_and_what_is_odd_is_said(wsigraph, tmp_path):
    table, out = tmp_path / "reference.csv", tmp_path / "labels.csv"
    table.write_text("test_114,Tumor\ntest_003,Normal\n")
    left = wsigraph("cohort", "camelyon16", table, "--out", out)
    assert left.code == 0, left.err
    assert "272 slides of 272 patients" in left.out
    assert "slide 'test_114': not all of its tumour is outlined" in " ".join(left.err.split())
    assert out.read_text().splitlines()[-1] == "test_003,test_003,normal,test"
    left = wsigraph("cohort", "camelyon16", table, "--out", out, "--leave-out", "odd", "--json")
    told = json.loads(left.out)
    assert told["patients"] == 271
    assert {"split": "test", "label": "normal", "slides": 1} in told["counts"]
    assert "test_114" not in out.read_text()


def test_without_a_list_it_says_where_the_slides_are(wsigraph, tmp_path):
    left = wsigraph("cohort", "panda")
    assert left.code == 2
    assert "kaggle.com/c/prostate-cancer-grade-assessment" in "".join(left.err.split())
    left = wsigraph("cohort", "pandas", tmp_path, "--out", tmp_path / "m.csv")
    assert left.code == 2
    assert "Did you mean 'panda'" in " ".join(left.err.split())
