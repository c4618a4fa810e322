"""A tiny synthetic cohort with known positive patches, and one finished run that several tests read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.pipelines.mine import mine
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import mine_settings
from wsigraph.training.recipe import recipe

CPU = TrainerOptions(device="cpu")
CLASSES = ("normal", "tumour")
SIDES = ("train", "train", "train", "val", "test")
PATCHES, LESION, STEP = 20, 5, 100


@dataclass(frozen=True)
class Made:
    """A cohort on disk.

    Args:
        manifest: Its manifest.
        lesions: Rows of the patches that were made positive, by slide.
    """

    manifest: Path
    lesions: dict[str, list[int]]

    @property
    def cohort(self):
        return Cohort.from_manifest(
            self.manifest, features=self.manifest.parent / "features", classes=CLASSES
        )


def slide(name, *, positive, rng, shift):
    """Patches on a lattice of 5 columns, shuffled; some of them moved in every channel."""
    x = rng.standard_normal((PATCHES, 4)).astype(np.float32)
    rows = sorted(rng.choice(PATCHES, LESION, replace=False).tolist()) if positive else []
    x[rows] += shift
    cells = np.stack([np.arange(PATCHES) % 5, np.arange(PATCHES) // 5], axis=1)[rng.permutation(PATCHES)]
    features = PatchFeatures(
        name,
        x,
        (cells * STEP).astype(np.int64),
        patch_size_level0=float(STEP),
        patch_px=50,
        step_level0=float(STEP),
        mpp=0.5,
        target_mpp=1.0,
        encoder="synthetic",
    )
    return features, rows


@pytest.fixture(scope="session")
def write_lesions():
    """Write a cohort: every second slide holds some patches that look different."""

    def write(folder, *, slides=20, split=True, seed=0, shift=2.0, other=(), flip=()):
        """``other`` are sides whose features come from another seed, ``flip`` sides of swapped labels."""
        rows, lesions = [], {}
        for i in range(slides):
            side = SIDES[(i // 2) % 5]
            rng = np.random.default_rng([seed, i, int(side in other)])
            name, label = f"s{i:02}", CLASSES[(i + (side in flip)) % 2]
            features, lesions[name] = slide(name, positive=i % 2 == 1, rng=rng, shift=shift)
            write_features(folder / "features" / f"{name}.h5", features)
            rows.append((name, f"p{i:02}", label, side if split else ""))
        with open(folder / "labels.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["slide_id", "patient_id", "label", "split"])
            writer.writerows(rows)
        return Made(folder / "labels.csv", lesions)

    return write


@pytest.fixture(scope="session")
def made(tmp_path_factory, write_lesions):
    """Twenty synthetic slides with an official split; nobody may change them."""
    return write_lesions(tmp_path_factory.mktemp("mined"))


def small_method(name="hnm", **changes):
    """A recipe that trains in a moment."""
    settings = {"optimiser.epochs": 2, "optimiser.lr": 0.05, "heads.bag.query_channels": 4}
    settings |= {key.replace("__", "."): value for key, value in changes.items()}
    return recipe(name, in_channels=4, classes=CLASSES).with_settings(settings)


def small_settings(**changes):
    """A loop of one round of two epochs."""
    plain = {"rounds": 1, "epochs_per_round": 2, "warmup": 0, "batch": 20, "ratio": 0.1, "floor": 0.0}
    plain |= {"projection_channels": 4, "network.hidden_channels": 6, "lr": 0.05}
    given = {**plain, **{key.replace("__", "."): value for key, value in changes.items()}}
    return mine_settings("hnm", given)


@pytest.fixture(scope="session")
def small():
    """A recipe in a small size."""
    return small_method


@pytest.fixture(scope="session")
def settings():
    """A short loop."""
    return small_settings


@pytest.fixture(scope="session")
def run_loop():
    """Run the loop on the CPU."""

    def run(cohort, out, *, method=None, settings=None, **options):
        method, settings = method or small_method(), settings or small_settings()
        return mine(method, cohort, out=out, settings=settings, trainer=CPU, **options)

    return run


@pytest.fixture(scope="session")
def finished(made, run_loop, tmp_path_factory):
    """One finished run on the official split; nobody may change it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    run_loop(made.cohort, out)
    return out
