"""The mining study: arms differ in what they are named for, fits resume, numbers by hand, the page."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.hnm import costs, fits, scores
from benchmarks.hnm.__main__ import TRIAL, main
from benchmarks.hnm.arms import ARMS, DEALT
from benchmarks.hnm.fits import Bench
from benchmarks.hnm.page import CLAIMS, write_page
from benchmarks.hnm.pixels import load, truth
from benchmarks.srmil_study.prepare import prepare
from wsigraph.evaluation.instances import instance_auc
from wsigraph.io.atomic import write_text
from wsigraph.io.tiff import write_pyramid
from wsigraph.synthetic.slides import Layout, render_slide

SOME = ["abmil", "none", "pix5", "graphpix5rec"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twenty made-up images in crchisto's layout, ten nuclei each; epithelial ones lie on dark spots."""
    folder = tmp_path_factory.mktemp("data") / "crchisto"
    (folder / "images").mkdir(parents=True)
    rng, bags, nuclei = np.random.default_rng(0), [], []
    for i in range(20):
        picture = rng.integers(150, 256, (90, 90, 3), dtype=np.uint8)
        for k in range(10):
            x, y, kind = 8 + 8 * k, int(rng.integers(10, 80)), "fibroblast"
            if i % 2 and k < 4:
                picture[y - 4 : y + 4, x - 4 : x + 4] //= 3
                kind = "epithelial"
            nuclei.append(f"img{i},{x},{y},{kind}")
        Image.fromarray(picture).save(folder / "images" / f"img{i}.png")
        bags.append(f"img{i},{i % 2},{4 * (i % 2)}")
    write_text(folder / "bags.csv", "\n".join(["image,label_any_epithelial,n_epithelial", *bags]) + "\n")
    write_text(folder / "nuclei_by_class.csv", "\n".join(["image,x,y,class", *nuclei]) + "\n")
    return folder.parent


@pytest.fixture(scope="module")
def work(data, tmp_path_factory):
    """One fold of a few arms, in small."""
    folder = tmp_path_factory.mktemp("work")
    prepare("crchisto", data, folder)
    Bench(folder, load(data / "crchisto"), commit="abc", quick=TRIAL).run(SOME, [0], folds=[0])
    return folder


def records(work):
    return {r["arm"]: r for r in (json.loads(f.read_text()) for f in (work / "fits").glob("*.json"))}


def test_arms_differ_in_what_they_are_named_for():
    base = ARMS["none"].build()
    assert ARMS["none"].settings is None
    assert [ARMS[f"pix{s}"].settings.ratio for s in ("5", "20", "all")] == [0.05, 0.2, "all"]
    assert ARMS["pix5"].build() == ARMS["adapt20"].build() == base
    assert {ARMS[f"{k}5"].settings.network.name for k in ("pix", "adapt")} == {"resnet18", "adapter"}
    assert ARMS["its2clr"].settings.model_dump() == ARMS["adaptall"].settings.model_dump()
    assert set(base.terms) - set(ARMS["its2clr"].build().terms) == {"ranking"}
    graph, rebuilt = ARMS["graphpix5"].build(), ARMS["graphpix5rec"].build()
    assert (graph.encoder.name, graph.graph.name, graph.terms) == ("gat", "knn", base.terms)
    assert set(rebuilt.terms) - set(graph.terms) == {"reconstruction"}
    for name in ARMS:
        ARMS[name].build().build()
    assert {arm for pairs in CLAIMS.values() for pair in pairs for arm in pair} <= set(ARMS)


def test_a_fit_keeps_answers_to_its_test_images_and_what_it_cost(work, data):
    found = records(work)
    assert set(found) == set(SOME)
    known = truth(data / "crchisto")
    for arm, record in found.items():
        assert [row["slide_id"] for row in record["slides"]] == [
            row["slide_id"] for row in found["none"]["slides"]
        ]
        for row in record["slides"]:
            assert len(row["nuclei"]) == len(known[row["slide_id"]]) == 10
            assert row["comparable"] == (arm != "abmil")
            assert row["label"] == int(known[row["slide_id"]].any())
        assert record["seconds"] > 0
        assert record["commit"] == "abc"
    assert found["none"]["rounds"] == []
    chosen, first = found["pix5"]["rounds"]
    assert chosen["chosen"] in (0, 1)
    train = first["train_patches"]
    assert 0 < first["negatives"] <= 0.05 * train + 1
    assert {name.rpartition(": ")[2] for name in found["pix5"]["tasks"]} >= {"contrast", "encoding"}
    assert not (work / "running").exists() or not list((work / "running").iterdir())


def test_finished_fits_are_not_repeated(work, data, monkeypatch):
    monkeypatch.setattr(fits, "fit_one", None)
    monkeypatch.setattr(fits, "run_fold", None)
    before = records(work)
    Bench(work, load(data / "crchisto")).run(SOME, [0], folds=[0])
    assert records(work) == before


def test_the_page_holds_every_arm_and_nuclei_are_scored_by_hand(work, data, tmp_path, monkeypatch):
    monkeypatch.setattr(scores, "FOLDS", {"crchisto": 1})
    known = truth(data / "crchisto")
    page = write_page(work, known, tmp_path)
    assert "**A trial in small: its numbers mean nothing.**" in page
    for name in SOME:
        assert f"| {name}: {ARMS[name].what} |" in page
    assert "| pix5 - none |" in page
    found = scores.load(work, known)
    rows = found["none"].answers.records[0]["slides"]
    wanted = instance_auc(
        np.concatenate([known[row["slide_id"]] for row in rows]),
        np.concatenate([row["nuclei"] for row in rows]),
    )
    assert found["none"].instances().value == pytest.approx(wanted)
    assert found["abmil"].instances() is None
    inside = [row["attention_auc"] for row in rows if row["label"]]
    assert all(value is not None for value in inside)
    assert found["pix5"].read() == pytest.approx(
        sum(found["pix5"].answers.records[0]["rounds"][1][k] for k in ("positives", "negatives"))
        / found["pix5"].answers.records[0]["rounds"][1]["train_patches"]
    )


def test_the_command_line_runs_and_reports(work, data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scores, "FOLDS", {"crchisto": 1})
    given = ["--work", str(work), "--source", str(data)]
    main(["run", *given, "--arms", "none", "--seeds", "0", "--folds", "0", "--trial"])
    main(["report", *given, "--out", str(tmp_path)])
    assert "Hard negative mining on real pixels" in capsys.readouterr().out
    assert len(list(tmp_path.glob("hnm_*.md"))) == 1


def test_the_costs_are_of_a_round_that_deals_every_negative_and_of_reading_shares(
    work, data, tmp_path, monkeypatch
):
    dealt = {name: arm.settings for name, arm in DEALT.items()}
    assert [one.steps for one in dealt.values()] == [None] * 3
    assert [one.ratio for one in dealt.values()] == [0.05, 0.2, "all"]
    monkeypatch.setattr(costs, "REPEATS", 1)
    Bench(work, load(data / "crchisto"), quick=TRIAL).run(DEALT, [0], folds=[0])
    picture = render_slide(
        0, label="clustered", layout=Layout(grid=8, cell_px=256, tissue_cells=30, dense_cells=6)
    ).image
    write_pyramid(tmp_path / "slide.tif", picture, mpp=0.5)
    given = ["--work", str(work), "--source", str(data), "--slide", str(tmp_path / "slide.tif")]
    main(["costs", *given, "--out", str(tmp_path)])
    page = next(tmp_path.glob("hnm_costs_*.md")).read_text(encoding="utf-8")
    found = {name: costs.round_seconds(fits) for name, fits in costs.fits_of(work).items()}
    spent = [found["deal5"][part] for part in costs.PARTS]
    share = sum(spent) / sum(found["dealall"].values())
    assert f"| {sum(spent):.1f} | {share:.2f} |" in page
    assert "| all negatives | 1 |" in page
    read = costs.reading_seconds(tmp_path / "slide.tif", repeats=1)
    assert set(read) == {0.05, 0.2, 1.0}
    assert all(seconds > 0 for seconds in read.values())
