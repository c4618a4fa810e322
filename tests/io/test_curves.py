"""Training curves and confusion matrices: every number is drawn where it belongs."""

from __future__ import annotations

import math

import pytest
from matplotlib.figure import Figure
from PIL import Image

from wsigraph.errors import RunError
from wsigraph.io.confusion_png import write_confusion
from wsigraph.io.curves import write_curves


@pytest.fixture
def figures(monkeypatch):
    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])
    return kept


def rows(fold, epochs=3, **more):
    return [
        {"fold": fold, "epoch": e, "train_loss": 1 / (1 + e), "val_loss": 2 / (1 + e), "lr": 0.1, **more}
        for e in range(epochs)
    ]


def test_one_panel_per_quantity_and_one_line_per_fold(tmp_path, figures):
    write_curves(tmp_path / "c.png", {"srmil": rows(0) + rows(1, 4), "abmil": rows(0)})
    panels = {axes.get_title(loc="left"): axes for axes in figures[0].axes if axes.get_visible()}
    assert list(panels) == ["loss", "lr"]
    lines = panels["loss"].get_lines()
    assert len(lines) == 6
    assert {line.get_linestyle() for line in lines} == {"-", "--"}
    assert len({line.get_color() for line in lines}) == 2
    solid = [line for line in lines if line.get_linestyle() == "-"]
    assert solid[1].get_ydata().tolist() == [2, 1, 2 / 3, 0.5]
    labels = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert labels == ["srmil", "abmil", "training", "validation"]
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.size[0] > 300


def test_repeats_of_a_fold_are_lines_of_their_own(tmp_path, figures):
    write_curves(tmp_path / "c.png", {"a": rows(0, repeat=0) + rows(0, repeat=1)})
    assert [len(line.get_xdata()) for line in figures[0].axes[0].get_lines()] == [3, 3, 3, 3]


def test_missing_and_undefined_cells_are_left_out(tmp_path, figures):
    log = rows(0)
    log[1]["val_loss"] = math.nan
    del log[2]["val_loss"]
    log[0]["note"] = "text"
    write_curves(tmp_path / "c.png", {"a": log})
    solid = [line for line in figures[0].axes[0].get_lines() if line.get_linestyle() == "-"]
    assert [line.get_xdata().tolist() for line in solid] == [[0]]
    assert "note" not in [axes.get_title(loc="left") for axes in figures[0].axes]


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(RunError, match="log rows with numbers by epoch, got none"):
        write_curves(tmp_path / "c.png", {"a": []})


def test_confusion_shows_counts_and_row_percentages(tmp_path, figures):
    write_confusion(tmp_path / "m.png", [[45, 5, 0], [3, 9, 0], [0, 0, 0]], ["a", "b", "c"], title="t")
    cells = [text.get_text() for text in figures[0].axes[0].texts]
    assert cells == [
        *("45\n90 %", "5\n10 %", "0\n0 %"),
        *("3\n25 %", "9\n75 %", "0\n0 %"),
        *("0\nnone", "0\nnone", "0\nnone"),
    ]
    assert figures[0].axes[0].get_xlabel() == "predicted"
    assert figures[0].axes[0].get_ylabel() == "true"


def test_confusion_must_fit_the_classes(tmp_path):
    with pytest.raises(RunError, match=r"shape \[2, 2\], got \[3, 3\]"):
        write_confusion(tmp_path / "m.png", [[1, 0, 0]] * 3, ["a", "b"])
