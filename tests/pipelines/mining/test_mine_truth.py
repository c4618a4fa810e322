"""Patches of test slides against outlines: scores by hand, slides without a truth, maps."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import wsigraph as wg
from wsigraph.errors import CohortError
from wsigraph.evaluation.instances import instance_auc
from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.atomic import write_json
from wsigraph.io.outline_file import read_outline_folder


def outlines(made, names):
    """The patches that were made positive, as squares."""
    found = {}
    for name in names:
        coords = wg.read_features(made.manifest.parent / "features" / f"{name}.h5").coords
        corners = [coords[row] for row in made.lesions[name]]
        squares = [c + np.array([[0, 0], [100, 0], [100, 100], [0, 100]]) for c in corners]
        found[name] = Outlines.of(squares)
    return found


@pytest.fixture
def again(finished, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(finished, tmp_path / "run")


def test_patches_of_test_slides_are_scored_and_drawn(made, run_loop, again):
    test = [s for s in made.cohort.slides if s.split == "test"]
    positive = [s.slide_id for s in test if s.label == "tumour"]
    run_loop(made.cohort, again, truth=outlines(made, positive))
    found = json.loads((again / "instances.json").read_text())
    assert (found["slides"], found["patches"], found["positive"]) == (4, 80, 10)
    assert (found["threshold"], found["without_truth"], found["maps"]) == (0.5, [], 2)
    model = wg.load_model(again).networks[0]
    chosen = json.loads((again / "fold_0" / "chosen.json").read_text())["round"]
    truth, scores = [], []
    for slide in test:
        own = again / "fold_0" / f"round_{chosen}" / "features" / f"{slide.slide_id}.h5"
        features = wg.read_features(own if chosen else slide.path)
        with torch.no_grad():
            x = model.standardise(torch.from_numpy(features.x))
            scores.append(model.heads["bag"].instance(x).sigmoid()[:, 0].numpy())
        truth.append(np.isin(np.arange(20), made.lesions[slide.slide_id]).astype(int))
    wanted = instance_auc(np.concatenate(truth), np.concatenate(scores).astype(float))
    assert found["auc"]["value"] == pytest.approx(wanted, abs=1e-6)
    assert found["auc"]["low"] is not None
    for name in positive:
        with Image.open(again / "maps" / f"{name}.png") as picture:
            assert min(picture.size) > 200


def test_positive_slides_without_outlines_are_left_out_and_named(made, run_loop, again):
    positive = [s.slide_id for s in made.cohort.slides if s.split == "test" and s.label == "tumour"]
    run_loop(made.cohort, again, truth=outlines(made, positive[:1]))
    found = json.loads((again / "instances.json").read_text())
    assert found["without_truth"] == positive[1:]
    assert found["slides"] == 3


def test_outlines_from_files_are_read_by_slide(made, run_loop, again, tmp_path):
    name = next(s.slide_id for s in made.cohort.slides if s.split == "test" and s.label == "tumour")
    coords = wg.read_features(made.manifest.parent / "features" / f"{name}.h5").coords
    x, y = (int(v) for v in coords[made.lesions[name][0]])
    ring = [[x, y], [x + 100, y], [x + 100, y + 100], [x, y + 100], [x, y]]
    write_json(tmp_path / "truth" / f"{name}.geojson", {"type": "Polygon", "coordinates": [ring]})
    run_loop(made.cohort, again, truth=read_outline_folder(tmp_path / "truth"))
    assert json.loads((again / "instances.json").read_text())["positive"] == 1


def test_truth_of_no_test_slide_is_refused_before_anything_runs(made, run_loop, tmp_path):
    train = [s.slide_id for s in made.cohort.slides if s.split == "train" and s.label == "tumour"]
    for truth, got in ((outlines(made, train), f"{len(train)} of other slides"), ({}, "none")):
        with pytest.raises(CohortError, match=f"Truth: expected outlines of test slides, got {got}"):
            run_loop(made.cohort, tmp_path / "run", truth=truth)
    assert not (tmp_path / "run").exists()
