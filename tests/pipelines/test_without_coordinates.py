"""A cohort of tensors without coordinates: set methods train and predict, graph methods say why not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.errors import CohortError, GraphError, RunError
from wsigraph.io.features import write_features


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Synthetic tensors in CLAM's folder; five of twenty rows tell the class."""
    folder = tmp_path_factory.mktemp("clam")
    (folder / "pt_files").mkdir()
    rng, rows = np.random.default_rng(0), ["slide_id,patient_id,label"]
    for i in range(12):
        x = rng.normal(size=(20, 6)).astype(np.float32)
        x[:5] += 3.0 * (i % 2)
        torch.save(torch.from_numpy(x), folder / "pt_files" / f"s{i}.pt")
        rows.append(f"s{i}.svs,p{i},{'ab'[i % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return wg.Cohort.from_manifest(folder / "labels.csv", features=folder)


def recipe(name):
    return wg.recipe(name, in_channels=6, classes=["a", "b"]).with_settings(
        {"optimiser.epochs": 6, "optimiser.lr": 3e-3}
    )


def test_a_set_method_learns(cohort, tmp_path):
    result = wg.cross_validate(recipe("abmil"), cohort, folds=2, seed=0, out=tmp_path / "run")
    assert result.metrics["slide"]["auc"]["value"] > 0.9
    model = wg.load_model(tmp_path / "run")
    features = wg.read_features(cohort.slides[1].path)
    assert not features.has_coords
    assert float(model.answer(model.graph(features)).probabilities[1]) > 0.5


def test_graph_methods_name_the_slide_and_the_reason(cohort, tmp_path):
    with pytest.raises(
        CohortError, match=r"slide 's0': expected coordinates of 20 patches.*use a set method"
    ):
        wg.cross_validate(recipe("srmil"), cohort, folds=2, out=tmp_path / "run")


def test_methods_that_read_positions_say_so(cohort, tmp_path):
    with pytest.raises(GraphError, match="TransMILPool: expected patches with coordinates, got none"):
        wg.cross_validate(recipe("transmil"), cohort, folds=2, out=tmp_path / "run")


def test_slides_with_and_without_coordinates_are_not_mixed(cohort, tmp_path):
    manifest = cohort.slides[0].path.parents[1] / "labels.csv"
    features = tmp_path / "features"
    features.mkdir()
    for slide in cohort.slides:
        (features / slide.path.name).write_bytes(slide.path.read_bytes())
    (features / "s3.pt").unlink()
    one = wg.read_features(cohort.slides[3].path)
    coords = np.stack([np.arange(20) % 5, np.arange(20) // 5], axis=1) * 256
    write_features(features / "s3.h5", wg.PatchFeatures("s3", one.x, coords))
    mixed = wg.Cohort.from_manifest(manifest, features=features)
    with pytest.raises(RunError, match=r"'s0' .*without coordinates.*'s3' .*with coordinates"):
        wg.cross_validate(recipe("abmil"), mixed, folds=2, out=tmp_path / "run")
