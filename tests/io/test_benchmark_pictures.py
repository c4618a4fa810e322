"""Pictures of a benchmark: what they compute, and that they can be drawn from what a benchmark leaves."""

from __future__ import annotations

import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.ranks import RankTable
from wsigraph.io.cost_png import Costed, front, write_costs
from wsigraph.io.dial_png import write_dials
from wsigraph.io.forest_png import Mark, write_forest
from wsigraph.io.label_curves_png import write_label_curves
from wsigraph.io.ranks_png import cliques, write_ranks
from wsigraph.io.report.markdown import escaped, write_markdown
from wsigraph.io.report.sections import Details, Link, Links, Notice, Number, Numbers, Table, Text

NAN = float("nan")


def method(name, cost, value):
    return Costed(name, "set", cost, value, NAN, NAN)


def test_the_front_is_what_no_cheaper_method_beats():
    methods = [method(*one) for one in (("d", 9, 0.9), ("a", 1, 0.6), ("b", 1, 0.7), ("c", 4, 0.7))]
    beaten = {m.name for m in methods for o in methods if o.cost <= m.cost and o.value >= m.value and o != m}
    assert [one.name for one in front(methods)] == sorted({m.name for m in methods} - beaten) == ["b", "d"]


def table(ranks, distance):
    return RankTable(tuple(f"m{r}" for r in ranks), tuple(ranks), 4, 1.0, 0.5, distance)


@pytest.mark.parametrize("distance", [0.4, 1.0, 1.6, 2.5, 9.0])
def test_bars_join_exactly_the_pairs_that_are_not_apart(distance):
    found = table((1.0, 1.5, 2.5, 3.0, 5.0), distance)
    names = found.methods
    joined = {(i, j) for a, b in cliques(found) for i in range(a, b) for j in range(i + 1, b + 1)}
    near = {(i, j) for i in range(5) for j in range(i + 1, 5) if not found.apart(names[i], names[j])}
    assert joined == near
    assert len(set(cliques(found))) == len(cliques(found))
    assert not any(
        a <= c and d <= b for a, b in cliques(found) for c, d in cliques(found) if (a, b) != (c, d)
    )


def test_pictures_of_unknown_intervals_and_of_one_method(tmp_path):
    write_forest(tmp_path / "f.png", [("a", [Mark("g", 0.1, NAN, NAN)])], {"g": "#000000"}, label="x")
    write_costs(tmp_path / "c.png", {"a": [method("m", 2.0, 0.5)], "b": []}, metric="AUC")
    write_ranks(tmp_path / "r.png", table((1.0, 2.0), 5.0), title="two")
    for name in ("f", "c", "r"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(RunError, match="Forest plot: expected at least one difference"):
        write_forest(tmp_path / "f.png", [("a", [])], {}, label="x")
    with pytest.raises(RunError, match="Costs: expected at least one method"):
        write_costs(tmp_path / "c.png", {"a": []}, metric="AUC")
    with pytest.raises(RunError, match="Dials: expected at least one effect"):
        write_dials(tmp_path / "d.png", {}, {}, metric="AUC")
    with pytest.raises(RunError, match="Label curves: expected at least one curve"):
        write_label_curves(tmp_path / "l.png", {}, metric="AUC")


def test_markdown_of_every_section(tmp_path):
    sections = [
        Notice(["One.", "Two."]),
        Text("Why", ["Because_of_this"]),
        Numbers("", [Number("AUC", "0.9", "0.8 to 1")]),
        Table("T", ["a", "b|c"], [["1", "<x>"]], "Said."),
        Links("Files", [Link("run", "run a/r.html", "here")]),
        Details("More", "a | b\n<c>"),
    ]
    write_markdown(tmp_path / "r.md", "Title", sections, subtitle="sub", badges=["synthetic data"])
    assert (tmp_path / "r.md").read_text(encoding="utf-8").split("\n\n") == [
        "# Title",
        "sub",
        "**synthetic data** · **Research use only. Not for diagnosis.**",
        "> One.\n>\n> Two.",
        "## Why",
        r"Because\_of\_this",
        "- AUC: 0.9 0.8 to 1",
        "## T",
        "| a | b\\|c |\n| --- | --- |\n| 1 | \\<x\\> |",
        "Said.",
        "## Files",
        "- [run](run%20a/r.html) here",
        "<details><summary>More</summary>",
        "    a | b\n    <c>",
        "</details>\n",
    ]
    assert escaped("a\nb  *c*") == r"a b \*c\*"
