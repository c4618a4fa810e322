"""Reading a feature file against bare h5py on the same file, and against chunks of one row."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import h5py
import numpy as np

from benchmarks.timing import medians
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import read_features, write_features

NUM_PATCHES = 20_000
CHANNELS = 1024
REPEATS = 15


def measure() -> list[dict[str, object]]:
    """Medians in MB/s; the operating system's cache is warm on every side."""
    with tempfile.TemporaryDirectory() as folder:
        own, single = Path(folder) / "own.h5", Path(folder) / "single_rows.h5"
        features = _features()
        write_features(own, features)
        with h5py.File(single, "w") as file:  # the chunks that h5py gives to a growing dataset of rows
            data = features.x.astype(np.float16)
            file.create_dataset("features", data=data, chunks=(1, CHANNELS), maxshape=(None, CHANNELS))
            file["coords"] = features.coords
        ours, bare, rows = medians(
            lambda: read_features(own), lambda: _bare(own), lambda: _bare(single), repeats=REPEATS
        )
    size = NUM_PATCHES * CHANNELS * 2 / 1e6
    return [
        _row(
            "feature_read: checked reader against bare h5py, same file",
            size / ours,
            size / bare,
            "at least 0.8x",
        ),
        _row("feature_read: against bare h5py on chunks of one row", size / ours, size / rows, "faster"),
    ]


def _features() -> PatchFeatures:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_PATCHES, CHANNELS)).astype(np.float32)
    grid = np.stack(np.meshgrid(np.arange(200), np.arange(100)), axis=-1).reshape(-1, 2) * 512
    return PatchFeatures("speed", x, grid, patch_size_level0=512, patch_px=256, step_level0=512, mpp=0.25)


def _bare(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with h5py.File(path) as file:
        return file["features"][:], file["coords"][:]


def _row(name: str, value: float, baseline: float, aim: str) -> dict[str, object]:
    return {
        "name": name,
        "value": value,
        "unit": "MB/s",
        "baseline": baseline,
        "ratio": value / baseline,
        "aim": aim,
        "threads": 1,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
