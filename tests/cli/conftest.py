"""A way to run the command line as a user does, and what it prints where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from wsigraph.cli.app import run


@dataclass(frozen=True)
class Left:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def wsigraph(capsys, monkeypatch):
    """Call ``wsigraph(*arguments)`` in this process; get exit code, stdout and stderr apart."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Left(code, said.out, said.err)

    return call


@pytest.fixture
def feature_folder(tmp_path):
    """Six synthetic slides as feature files, and their manifest."""
    from wsigraph.io.features import write_features
    from wsigraph.synthetic.features import arrangement_cohort

    cohort = arrangement_cohort(12, seed=0, grid=8, in_channels=4)
    rows = ["slide_id,patient_id,label"]
    for features, label, patient in zip(cohort.features, cohort.labels, cohort.patients, strict=True):
        write_features(tmp_path / "features" / f"{features.slide_id}.h5", features)
        rows.append(f"{features.slide_id},{patient},{cohort.classes[label]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def picture(tmp_path):
    """One small synthetic slide."""
    from wsigraph.io.tiff import write_pyramid
    from wsigraph.synthetic.slides import Layout, render_slide

    layout = Layout(grid=8, tissue_cells=30, dense_cells=3)
    slide = render_slide(0, label="clustered", layout=layout)
    assert slide.image.dtype == np.uint8
    write_pyramid(tmp_path / "slides" / "synthetic_000.tif", slide.image, mpp=0.5)
    return tmp_path / "slides" / "synthetic_000.tif"
