"""The report of made-up cells: whole, self-contained, and every number of the summary on it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from wsigraph.io.forest_png import Mark, write_forest
from wsigraph.io.report.sections import Picture, Text
from wsigraph.pipelines.benchmark import page_dials, page_pictures
from wsigraph.pipelines.benchmark.page import write_report
from wsigraph.pipelines.benchmark.page_tables import told
from wsigraph.pipelines.benchmark.summary import summarise

METHODS = {"abmil": 0.9, "mean_pool": 0.7, "gcn": 3.0, "gcn+shuffled": 0.9, "srmil": 2.5, "srmil+shuffled": 1}


class Page(HTMLParser):
    """Open tags, images without words, addresses and visible text of a page."""

    def __init__(self, text):
        super().__init__()
        self.open, self.mute, self.addresses, self.text = [], 0, [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.mute += tag == "img" and not dict(attrs).get("alt")
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture
def summary(folder, made_up):
    """A real cohort with two shares, and two made-up ones; a failed cell."""
    if not (folder / "cells").exists():
        for share in (0.5, 1.0):
            made_up.write(folder, made_up.cells("mine", METHODS, patients=24, share=share))
        for name in ("dial_1", "dial_2"):
            made_up.write(folder, made_up.cells(name, METHODS, patients=24, seeds=(0,), synthetic=True))
        (folder / "failed").mkdir()
        (folder / "failed" / "mine-x.json").write_text(json.dumps({"reason": "ValueError: <no> | way"}))
    return summarise(folder, resamples=40)


def test_the_page_is_whole_and_needs_no_other_file(folder, summary):
    at = write_report(folder, summary, command="wsigraph benchmark mine.csv --out DIR")
    text = at.read_text(encoding="utf-8")
    page = Page(text)
    assert (at, page.open, page.mute) == (folder / "report.html", [], 0)
    pictures = sorted(file.name for file in (folder / "pictures").iterdir())
    forests = ["forest-dial_1.png", "forest-dial_2.png", "forest-mine.png"]
    others = ["labels.png", "overview.png", "ranks-synthetic.png"]
    assert pictures == ["costs.png", "dials.png", *forests, *others]
    assert len(page.addresses) == len(pictures)
    assert all(target.startswith("data:image/png;base64,") for target in page.addresses)
    assert not re.search(r"https?://", text)
    for cohort in summary.cohorts:
        assert cohort.sentence in page.text
        for one in cohort.methods:
            assert f"{one.value:.3f}" in page.text
            assert f"cells/{cohort.name}-{one.name}-seed*" in page.text
            assert all(cell in page.text for cell in one.cells)
        assert all(told(one) in page.text for one in cohort.family)
        assert all(told(one) in page.text for family in cohort.fewer.values() for one in family)
    words = ("Research use only", "some data synthetic", "dial_1 (synthetic)", "wsigraph benchmark mine.csv")
    for word in (*words, "1 cells failed", "ValueError: <no> | way"):
        assert word in page.text
    assert page.text.index("Does space help?") < page.text.index(summary.cohorts[0].sentence)
    assert json.loads((folder / "summary.json").read_text())["cohorts"]["mine"]["partner"] == "abmil"


def test_the_markdown_links_pictures_that_are_there(folder, summary):
    write_report(folder, summary)
    text = (folder / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert len(links) == 8
    assert all((folder / link).is_file() for link in links)
    assert r"ValueError: \<no\> \| way" in text
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert set(widths) == {10, 6, 5, 13, 3}  # every row of a table has its columns
    plain = text.replace("\\", "")
    assert all(cohort.sentence in plain for cohort in summary.cohorts)


def test_a_dial_is_drawn_of_made_up_cohorts_of_one_effect(folder, summary, monkeypatch):
    drawn = {}
    monkeypatch.setattr(page_dials, "write_dials", lambda path, panels, *rest, **named: drawn.update(panels))
    page_dials.dials(folder, [replace(one, name="mine_1") for one in summary.cohorts if not one.synthetic])
    assert drawn == {}  # real cohorts have no dial
    page_dials.dials(folder, reversed(summary.cohorts))
    (name,), groups = drawn, drawn["dial"]
    assert name == "dial"
    for group, method in (("best graph", "gcn"), ("best set", "abmil")):
        values = [one.method(method).value for one in summary.cohorts if one.synthetic]
        assert [point[:2] for point in groups[group]] == [(1.0, values[0]), (2.0, values[1])]
    assert groups["best graph, shuffled coordinates"][0][1] == summary.cohorts[1].method("gcn+shuffled").value


def test_heatmaps_and_a_suites_own_table_are_shown_where_given(tmp_path, made_up):
    made_up.write(tmp_path, made_up.cells("c", {"abmil": 1.0}, patients=12, seeds=(0,)))
    example = tmp_path / "h.png"
    write_forest(example, [("a", [Mark("g", 0.1, 0.0, 0.2)])], {"g": "#000000"}, label="x")
    found = summarise(tmp_path, resamples=20)
    at = write_report(
        tmp_path,
        found,
        heatmaps=[Picture(example, "Slide A1, synthetic")],
        more=[Text("Sizes", ["Own words."])],
    )
    text = Page(at.read_text()).text
    assert text.index("Slide A1, synthetic") < text.index("Own words.") < text.index("all methods")
    assert sorted(file.name for file in (tmp_path / "pictures").iterdir()) == ["costs.png"]


def test_nothing_to_compare_is_a_page_that_says_so(tmp_path, made_up):
    half = [cell for cell in made_up.cells("half", {"abmil": 1.0}, patients=8, seeds=(0,)) if cell["fold"]]
    at = write_report(tmp_path, summarise(made_up.write(tmp_path, half), resamples=20))
    assert "no seed is finished by every method: half" in Page(at.read_text()).text


def test_curves_are_of_the_methods_that_were_run_with_fewer_labels(tmp_path, made_up, monkeypatch):
    skills = {"abmil": 1.0, "max_pool": 0.8, "gcn": 1.5, "gin": 3.0}
    made_up.write(tmp_path, made_up.cells("mine", skills, patients=24, seeds=(0,)))
    few = {name: skills[name] for name in ("abmil", "gcn")}  # not the best graph method, gin
    made_up.write(tmp_path, made_up.cells("mine", few, patients=24, seeds=(0,), share=0.25))
    seen = {}
    monkeypatch.setattr(page_pictures, "write_label_curves", lambda _, drawn, **__: seen.update(drawn))
    page_pictures.curves(tmp_path, summarise(tmp_path, resamples=40))
    assert set(seen["mine"]) == set(few)
