"""A tiny synthetic cohort with known positive patches, and one finished run that several tests read."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features, write_features
from wsigraph.pipelines.mine import mine
from wsigraph.pipelines.mine_sources import pixels_of
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.refresh import Refresh
from wsigraph.training.mining.refresh import decide as plain_decide
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
    """Run the loop on the CPU; ``accept`` takes the place of what validation slides say of new rounds."""

    def run(cohort, out, *, method=None, settings=None, accept=None, **options):
        method, settings = method or small_method(), settings or small_settings()
        with pytest.MonkeyPatch.context() as patch:
            if accept is not None:
                patch.setattr("wsigraph.pipelines.mine_fold.decide", given(accept))
            return mine(method, cohort, out=out, settings=settings, trainer=CPU, **options)

    return run


def given(accept):
    """A decision that reads no score but the first."""

    def decide(standing, score):
        if standing is None:
            return plain_decide(standing, score)
        return Refresh(accept, score, score if accept else standing, "as the test has it")

    return decide


@pytest.fixture(scope="session")
def finished(made, run_loop, tmp_path_factory):
    """One finished run on the official split, whose new round answers; nobody may change it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    run_loop(made.cohort, out, accept=True)
    return out


PIXELS = {
    "network": "resnet18",
    "network.stem": "small",
    "network.width": 1,
    "network.augmentation": {"area": [0.5, 1.0]},
    "batch": 8,
    "steps": 2,
}


@dataclass
class Spy:
    """A source that remembers what was read of which slide."""

    source: Any
    some: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)

    def read(self, slide, rows=None):
        if rows is None:
            self.whole.append(slide.slide_id)
        else:
            self.some.append((slide.slide_id, tuple(rows.tolist())))
        return self.source.read(slide, rows)

    def row_bytes(self, example):
        return self.source.row_bytes(example)


@pytest.fixture(scope="session")
def pixel_settings():
    """A short loop on pixels."""
    return small_settings().with_changes(PIXELS)


@pytest.fixture(scope="session")
def colour():
    """The colour of each patch in its slide's picture."""
    return lambda name, row: (5 * int(name[1:]) + 50, 10 * row + 20, 90)


@pytest.fixture(scope="session")
def images(made, colour, tmp_path_factory):
    """A picture of each slide, 500 x 400 px: a square of its own colour for every patch."""
    folder = tmp_path_factory.mktemp("images")
    for one in made.cohort.slides:
        picture = np.full((400, 500, 3), 255, np.uint8)
        for row, (x, y) in enumerate(read_features(one.path).coords.tolist()):
            picture[y : y + 100, x : x + 100] = colour(one.slide_id, row)
        Image.fromarray(picture).save(folder / f"{one.slide_id}.png")
    return folder


@pytest.fixture(scope="session")
def on_pixels(made, images, run_loop, pixel_settings, tmp_path_factory):
    """One finished run on pixels, whose new round answers, and what it read; nobody may change it."""
    out, spy = tmp_path_factory.mktemp("pixels") / "run", Spy(pixels_of(made.cohort, images))
    run_loop(made.cohort, out, settings=pixel_settings, images=spy, accept=True)
    return out, spy
