"""The demo: every step runs, a second run resumes, another plan is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import openslide
import pytest

from wsigraph.errors import CohortError, RunError
from wsigraph.evaluation.paired import PairedDifference
from wsigraph.io.atomic import read_json
from wsigraph.pipelines.demo import DemoPlan, demo, plan, say


class Listener:
    """A reporter that remembers."""

    def __init__(self):
        self.steps = {}

    def start(self, task, total):
        self.steps[task] = 0

    def advance(self, task, steps=1):
        self.steps[task] += steps

    def finish(self, task):
        pass

    def say(self, text):
        pass


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small demo and what it said."""
    out = tmp_path_factory.mktemp("demo")
    return out, demo(out, plan=plan("small"))


def test_everything_is_there_and_says_synthetic(finished):
    out, result = finished
    assert result.failed == {}
    assert set(result.metrics) == {"srmil", "abmil"}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "synthetic data" in page
    assert result.verdict in page.replace("&#43;", "+").replace("&#39;", "'")
    assert not re.search(r"(src|href)=\"https?://", page)  # opens without a network
    with openslide.OpenSlide(out / "slides" / "synthetic_000.tif") as slide:
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(1.0)
        assert slide.properties["tiff.ImageDescription"].startswith("SYNTHETIC")
    assert read_json(out / "demo.json")["synthetic"] is True


def test_a_second_run_trains_and_encodes_nothing(finished):
    out, first = finished
    weights = out / "srmil" / "fold_0" / "model.safetensors"
    slide, before = out / "slides" / "synthetic_000.tif", weights.stat().st_mtime_ns
    drawn = slide.stat().st_mtime_ns
    again = demo(out, plan=plan("small"), reporter=Listener())
    assert weights.stat().st_mtime_ns == before
    assert slide.stat().st_mtime_ns == drawn
    assert again.metrics["srmil"]["slide"] == first.metrics["srmil"]["slide"]


def test_another_demo_in_the_same_folder_is_refused(finished):
    out, _ = finished
    with pytest.raises(RunError, match="expected a demo with seed 1 and 12 slides, got one with seed 0"):
        demo(out, plan=plan("small"), seed=1)


@pytest.mark.parametrize("asked", ["many", "0", "-3", "11"])
def test_too_few_slides_are_refused(asked):
    with pytest.raises(CohortError, match=f"at least 12, got '{asked}'"):
        plan(asked)


def test_the_default_plan_is_what_the_command_line_asks_for():
    assert plan("40") == DemoPlan()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.4, "the graph .* beats"), (-0.4, -0.1, "the set .* beats"), (-0.1, 0.2, "neither")],
)
def test_the_verdict_claims_no_more_than_its_interval(low, high, said):
    found = PairedDifference("auc", 0.8, 0.7, 0.1, 0.0, 0.2, 0.04, defined=10, resamples=10, patients=32)
    assert re.search(said, say(replace(found, low=low, high=high)))
