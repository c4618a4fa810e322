"""The wheel alone suffices: built, installed beside nothing, run from another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command, cwd, **environment):
    """Run a command that must succeed; its stdout."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} left {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder into which the wheel, and nothing else, was installed."""
    place = tmp_path_factory.mktemp("wheel")
    for part in ("pyproject.toml", "README.md", "LICENSE"):  # a build leaves traces: not in the checkout
        shutil.copy(ROOT / part, place / part)
    shutil.copytree(ROOT / "wsigraph", place / "wsigraph", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", place, cwd=place)
    (wheel,) = (place / "dist").glob("wsigraph-*.whl")
    target = place / "installed"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", target, wheel, cwd=place,
    )  # fmt: skip
    return target


def test_a_small_demo_runs_from_the_wheel(installed, tmp_path):
    python = {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    where = run(sys.executable, "-c", "import wsigraph; print(wsigraph.__file__)", cwd=tmp_path, **python)
    assert Path(where.strip()).is_relative_to(installed)
    said = run(
        sys.executable, "-m", "wsigraph.cli", "demo", "--slides", "small", "--json", cwd=tmp_path, **python
    )
    result = json.loads(said)
    assert result["synthetic"] is True
    out = tmp_path / "demo_out"
    for file in ("index.html", "labels.csv", "graph_cards.json", "srmil/metrics.json", "srmil/run.json"):
        assert (out / file).is_file(), f"{file} is missing"
    assert (out / "srmil" / "fold_0" / "model.safetensors").is_file()
    assert list((out / "heatmaps").glob("*.png"))
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "synthetic" in page
    assert 'src="http' not in page  # nothing is fetched: the page shows the same without a network


def test_the_wheel_holds_its_data_files(installed):
    assert (installed / "wsigraph" / "py.typed").is_file()
    assert list((installed / "wsigraph").rglob("*.html.j2"))
    assert not list(installed.glob("tests*"))
