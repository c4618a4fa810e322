"""Decision curves: everything that is known is in sight, and what is undefined is not drawn."""

from __future__ import annotations

import math

import pytest

from wsigraph.errors import RunError
from wsigraph.io import decision_curve_png
from wsigraph.io.decision_curve_png import write_decision_curves

CHANCES = (0.1, 0.5, 0.9)


def curve(low, high):
    return {
        "probability": CHANCES,
        "value": (0.4, 0.3, 0.0),
        "low": low,
        "high": high,
        "all": (0.3, -1.0, -6.0),
    }


@pytest.fixture
def drawn(monkeypatch):
    kept = []
    monkeypatch.setattr(decision_curve_png, "save_figure", lambda path, figure: kept.append(figure))
    return kept


def test_a_panel_per_question_with_model_all_and_none(drawn, tmp_path):
    nothing = (math.nan,) * 3  # one patient: no interval
    known = curve((0.1, 0.0, -0.1), (0.7, 0.5, 0.2))
    write_decision_curves(tmp_path / "a.png", {"er": known, "pr": curve(nothing, nothing)}, title="run")
    first, second = drawn[0].axes
    for axes, name, top in ((first, "er", 0.7), (second, "pr", 0.4)):
        model, everyone, nobody = axes.get_lines()
        assert list(model.get_ydata()) == [0.4, 0.3, 0.0]
        assert list(everyone.get_ydata()) == [0.3, -1.0, -6.0]
        assert set(nobody.get_ydata()) == {0.0}
        assert axes.get_ylim()[1] >= top
        assert -1.0 < axes.get_ylim()[0] < 0.0  # calling all so may be as bad as it likes
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [
            *("by the model", f"all are '{name}'", f"none is '{name}'"),
        ]


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(RunError, match="expected at least one question, got none"):
        write_decision_curves(tmp_path / "a.png", {})
