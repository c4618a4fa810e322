"""A tiny cohort on disk, small recipes, and one finished run that several tests read."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=DeprecationWarning)
    import torch_geometric.nn  # noqa: F401

from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.synthetic.features import arrangement_cohort
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import recipe

SMALL = {"encoder.hidden_channels": 8, "optimiser.epochs": 2, "sampler.slides_per_step": 4}
CPU = TrainerOptions(device="cpu")


@pytest.fixture(scope="session")
def write_cohort():
    """Write feature files and a manifest; returns the manifest."""

    def write(folder: Path, *, slides=14, seed=5) -> Path:
        made = arrangement_cohort(slides, seed=seed, grid=8)
        for features in made.features:
            write_features(folder / "features" / f"{features.slide_id}.h5", features)
        with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["slide_id", "patient_id", "label"])
            for features, patient, label in zip(made.features, made.patients, made.labels, strict=True):
                rows.writerow([features.slide_id, patient, made.classes[label]])
        return folder / "labels.csv"

    return write


@pytest.fixture(scope="session")
def manifest(tmp_path_factory, write_cohort):
    """Fourteen slides of twelve patients; nobody may change them."""
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture
def cohort(manifest):
    """The slides of ``manifest``."""
    return Cohort.from_manifest(manifest, features=manifest.parent / "features")


@pytest.fixture(scope="session")
def small():
    """A recipe in a small size."""

    def make(name="srmil", **changes):
        settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
        return recipe(name, in_channels=8, classes=["clustered", "scattered"]).with_settings(settings)

    return make


@pytest.fixture(scope="session")
def cpu():
    """Train on the CPU."""
    return CPU


@pytest.fixture(scope="session")
def finished(manifest, small, tmp_path_factory):
    """Two folds of srmil, finished; nobody may change them."""
    out = tmp_path_factory.mktemp("finished") / "run"
    read = Cohort.from_manifest(manifest, features=manifest.parent / "features")
    cross_validate(small(), read, folds=2, out=out, trainer=CPU)
    return out
