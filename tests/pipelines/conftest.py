"""A tiny cohort on disk, small recipes, and one finished run that several tests read."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=DeprecationWarning)
    import torch_geometric.nn  # noqa: F401

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.build import to_graph
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.models.tiled import look_in_tiles
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.synthetic.features import arrangement_cohort
from wsigraph.training.build import graph_builder
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import recipe
from wsigraph.training.slide_logits import slide_logits

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


def auc(answers, positive):
    """Share of pairs of a positive and a negative slide that are ranked rightly; ties count half."""
    told = list(zip(answers, positive, strict=True))
    pairs = [(p, n) for p, a in told if a for n, b in told if not b]
    return float(np.mean([float(p > n) + 0.5 * float(p == n) for p, n in pairs]))


@dataclass
class Canary:
    """Asks the network about test slides after each epoch, as nobody may who is to choose by the answers.

    Args:
        slides: Features of the test slides.
        encode: What the network reads of a slide.
        said: Probability of the second class, epoch by epoch.
    """

    slides: list[PatchFeatures]
    encode: Callable[[PatchFeatures], PatchFeatures] = lambda features: features
    said: list[list[float]] = field(default_factory=list)

    def look(self, module):
        answers = []
        for features in self.slides:
            graph = to_graph(self.encode(features), graph_builder(module.recipe))
            logits = slide_logits(module.recipe, look_in_tiles(module.model, graph))
            answers.append(float(logits.softmax(1)[0, 1]))
        self.said.append(answers)

    def auc(self, answers, positive):
        """AUC of some answers, by counting pairs."""
        return auc(answers, positive)

    def best(self, positive):
        """AUC of the epoch that test slides would choose."""
        return max(auc(answers, positive) for answers in self.said)


@pytest.fixture
def canary(monkeypatch):
    """Let a canary look on while networks train."""

    def watch(slides, **options):
        one, plain = Canary(list(slides), **options), MILModule.on_validation_epoch_end

        def wrapped(module):
            plain(module)
            one.look(module)

        monkeypatch.setattr(MILModule, "on_validation_epoch_end", wrapped)
        return one

    return watch
