"""The table of lesions found, against counts by hand."""

from __future__ import annotations

from wsigraph.data.prediction import Prediction
from wsigraph.pipelines.benchmark.page_lesions import lesion_sizes, lesions_table


def answers(scores):
    """Ten slides without lesion at .00 to .09, then those with one."""
    labelled = [(0.01 * i, 0) for i in range(10)] + [(score, 1) for score in scores]
    return [Prediction(f"s{i}", f"s{i}", (1 - p, p), label=label) for i, (p, label) in enumerate(labelled)]


def test_methods_by_size(tmp_path):
    lines = [f"s{i},,20,{size},0.1" for i, size in enumerate([0] * 10 + [1, 1, 3, 40])]
    head = "slide_id,lesion,patches,lesion_patches,lesion_mm2"
    (tmp_path / "truth.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    sizes = lesion_sizes(tmp_path / "truth.csv")
    both = {"abmil": answers([0.05, 0.05, 0.05, 0.5]), "gin": answers([0.05, 0.5, 0.5, 0.5])}
    table = lesions_table("made up", both, sizes, partner="abmil")  # at 90 % all above .08 are found
    assert table.columns == [
        "Method",
        "1 (n = 2)",
        "2 to 3 (n = 1)",
        "4 to 15 (n = 0)",
        "16 and more (n = 1)",
    ]
    assert table.rows == [
        ["abmil", "0.00 [0.00, 0.00]", "0.00", "none", "1.00"],
        ["gin", "0.50 [0.00, 1.00] (+0.50 [+0.00, +1.00])", "1.00 (+1.00)", "none", "1.00 (+0.00)"],
    ]
    assert "90%" in table.caption
    assert "from abmil" in table.caption
    alone = lesions_table("made up", both, sizes)
    assert alone.rows[1][1] == "0.50 [0.00, 1.00]"
    assert "difference" not in alone.caption
