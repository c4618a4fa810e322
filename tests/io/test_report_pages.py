"""Reports: self-contained, escaped, honest."""

from __future__ import annotations

import base64
import math
import re
from html.parser import HTMLParser

import pytest

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError
from wsigraph.evaluation.summary import summarise
from wsigraph.io.confusion_png import write_confusion
from wsigraph.io.report.page import write_index
from wsigraph.io.report.run_report import RunReport, write_report
from wsigraph.io.report.sections import Details, Link, Links, Notice, Picture, Pictures, Table, Text
from wsigraph.io.report.shown import shown


class Page(HTMLParser):
    """Tags that never close, addresses and visible text of a page."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "m.png"
    write_confusion(path, [[4, 1], [0, 5]], ["normal", "tumour"])
    return path


@pytest.fixture
def metrics():
    rows = [
        Prediction(f"s{i}", f"p{i // 2}", (0.9 - 0.08 * i, 0.1 + 0.08 * i), label=int(i > 4), fold=i % 5)
        for i in range(10)
    ]
    return summarise(rows, ["normal", "<script>alert(1)</script>"], resamples=50)


def test_the_report_shows_every_number_and_needs_no_other_file(tmp_path, picture, metrics):
    path = tmp_path / "report.html"
    report = RunReport(
        title="runs/a",
        metrics=metrics,
        recipe={"name": "srmil", "hidden": 256},
        versions={"torch": "2.13.0"},
        pictures=[Picture(picture, "Confusion matrix")],
        warnings=["synthetic data", "slide taken as patient"],
        badges=["synthetic data"],
    )
    write_report(path, report)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    (image,) = page.addresses
    assert base64.b64decode(image.removeprefix("data:image/png;base64,")) == picture.read_bytes()
    assert not re.search(r"https?://", text)
    for level in ("slide", "patient"):
        for cell in metrics[level].values():
            assert f"{cell['value']:.3f}" in page.text
    words = ("10 slides, 5 patients", "slide taken as patient", "Research use only", "torch 2.13.0", "srmil")
    for word in words:
        assert word in page.text
    assert "1 patients" in page.text  # s4 and s5 of one patient carry different labels


def test_names_are_escaped(tmp_path, metrics):
    path = tmp_path / "report.html"
    write_report(path, RunReport(title="<b>x</b>", metrics=metrics))
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<b>" not in text


def test_undefined_numbers_say_so():
    assert shown({"value": 0.91, "low": 0.8, "high": 0.97}) == ("0.910", "0.800\u00a0to\u00a00.970")
    assert shown({"value": math.nan, "low": None, "high": None}) == ("not defined", "")
    assert shown({"value": 0.5, "low": math.nan, "high": math.nan}) == ("0.500", "")


def test_an_index_of_every_section(tmp_path, picture):
    path = tmp_path / "index.html"
    sections = [
        Notice(["All slides are synthetic."]),
        Text("What this is", ["One.", "Two."]),
        Table("Result", ["Method", "AUC"], [["srmil", "0.9"], ["abmil", "0.5"]], "Out of fold."),
        Pictures("Heatmaps", [Picture(picture, "Slide A1"), Picture(picture, "Slide A2")], wide=True),
        Links("Files", [Link("report", "run a/report.html"), Link("site", "https://example.org/?a=1")]),
        Details("Recipe", "{}"),
    ]
    write_index(path, "Does space help?", sections, subtitle="demo", badges=["synthetic data"])
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.addresses[-2:] == ["run%20a/report.html", "https://example.org/?a=1"]
    for word in (
        "All slides are synthetic.",
        "Two.",
        "abmil",
        "Out of fold.",
        "Slide A2",
        "report",
        "Recipe",
    ):
        assert word in page.text


def test_what_a_page_refuses(tmp_path):
    path = tmp_path / "index.html"
    with pytest.raises(RunError, match=r"a relative path or one of .*got 'javascript:alert"):
        write_index(path, "t", [Links("", [Link("x", "javascript:alert(1)")])])
    with pytest.raises(RunError, match=r"a picture at .*none.png"):
        write_index(path, "t", [Pictures("", [Picture(tmp_path / "none.png", "x")])])
    (tmp_path / "text.png").write_text("hello", encoding="utf-8")
    with pytest.raises(RunError, match="a PNG at"):
        write_index(path, "t", [Pictures("", [Picture(tmp_path / "text.png", "x")])])
    assert not path.exists()
