"""Heatmaps of one class, and of one level of a label tree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RunError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.fit import fit
from wsigraph.pipelines.heatmap import heatmap_run
from wsigraph.pipelines.predict import model_for
from wsigraph.pipelines.trained import load_model
from wsigraph.synthetic.hierarchy import synthetic_tree

TREE = synthetic_tree()
TASK = Hierarchy(TREE, target_col="group,subtype")
TINY = {"encoder.hidden_channels": 8, "optimiser.epochs": 1, "sampler.slides_per_step": 8}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, write_tree_cohort):
    manifest = write_tree_cohort(tmp_path_factory.mktemp("slides"), TREE, slides=42, coarse_only=0.0)
    return Cohort.from_manifest(manifest, features=manifest.parent / "features", task=TASK)


@pytest.fixture(scope="module")
def run(cohort, tmp_path_factory, cpu):
    """HMIL after one epoch; nobody may change it."""
    out = tmp_path_factory.mktemp("hmil") / "run"
    method = wg.recipe("hmil", in_channels=16, task=TASK).with_settings(TINY)
    cross_validate(method, cohort, folds=2, out=out, trainer=cpu)
    return out


def attention(run, path):
    """Attention of both heads of the network that may answer for the slide."""
    read = read_features(path, slide_id=path.stem)
    model, *_ = model_for(run, read.slide_id, load_model(run))
    (network,) = model.networks
    with torch.no_grad():
        seen = network(model.graph(read))
    return {name: head.attention.numpy() for name, head in seen.heads.items()}


@pytest.mark.parametrize(
    ("asked", "head", "column", "told"),
    [
        ({}, "fine", None, "attention:"),
        ({"class_name": "B2"}, "fine", 4, "attention of class 'B2' of level 'subtype':"),
        ({"class_name": "C"}, "coarse", 2, "attention of class 'C' of level 'group':"),
        ({"class_name": "A", "level": "group"}, "coarse", 0, "attention of class 'A' of level 'group':"),
        ({"level": "group"}, "coarse", None, "attention of level 'group':"),
    ],
)
def test_it_shows_the_column_that_is_asked(run, cohort, tmp_path, *, asked, head, column, told):
    path = cohort.slides[5].path
    shown = heatmap_run(run, path, out=tmp_path / "a.png", geojson=tmp_path / "a.geojson", **asked)
    wanted = attention(run, path)[head]
    wanted = wanted.mean(1) if column is None else wanted[:, column]
    np.testing.assert_allclose(shown.raw, wanted, rtol=1e-4)
    assert shown.raw.sum() == pytest.approx(1.0, abs=1e-5)
    assert shown.meaning.startswith(told)
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_classes_look_at_other_patches(run, cohort, tmp_path):
    path = cohort.slides[5].path
    ranks = [heatmap_run(run, path, out=tmp_path / "a.png", class_name=name).values for name in ("A1", "C2")]
    assert (ranks[0] != ranks[1]).any()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"class_name": "D1"}, "expected a class of .*got 'D1'"),
        ({"class_name": "A1", "level": "group"}, r"expected a class of \['A', 'B', 'C'\], got 'A1'"),
        ({"level": "grade"}, r"expected a level of \['group', 'subtype'\], got 'grade'"),
    ],
)
def test_what_is_not_there_is_refused(run, cohort, tmp_path, asked, sentence):
    with pytest.raises(RunError, match=sentence):
        heatmap_run(run, cohort.slides[0].path, out=tmp_path / "a.png", **asked)


def test_attention_that_classes_share_and_levels_without_a_head_are_refused(cohort, tmp_path, cpu):
    path = cohort.slides[0].path
    flat = wg.recipe("abmil", in_channels=16, task=TASK).with_settings(TINY)
    fit(flat, train=cohort, out=tmp_path / "flat", trainer=cpu)
    with pytest.raises(RunError, match="head 'bag': expected attention with one column per class"):
        heatmap_run(tmp_path / "flat", path, out=tmp_path / "a.png", class_name="A1")
    with pytest.raises(RunError, match=r"a head that answers level 'group', got \['subtype'\]"):
        heatmap_run(tmp_path / "flat", path, out=tmp_path / "a.png", level="group")


def test_classes_without_a_tree_have_their_own_attention_too(finished, cohort, tmp_path, manifest, cpu):
    read = Cohort.from_manifest(manifest, features=manifest.parent / "features")
    method = wg.recipe("clam_mb", in_channels=8, classes=read.classes).with_settings(TINY)
    fit(method, train=read, out=tmp_path / "clam", trainer=cpu)
    path = read.slides[0].path
    both = [
        heatmap_run(tmp_path / "clam", path, out=tmp_path / "a.png", class_name=c).raw for c in read.classes
    ]
    mean = heatmap_run(tmp_path / "clam", path, out=tmp_path / "a.png").raw
    np.testing.assert_allclose(np.mean(both, axis=0), mean, rtol=1e-5)
    assert (both[0] != both[1]).any()
    with pytest.raises(RunError, match="a label tree, of which a level is asked, got none"):
        heatmap_run(finished, path, out=tmp_path / "a.png", level="group")
