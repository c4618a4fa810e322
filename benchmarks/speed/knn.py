"""k-NN build of 100,000 nodes against a bare ``cKDTree.query``, both in one run."""

from __future__ import annotations

import json

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.timing import medians
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.builders.knn import KNN

NUM_NODES = 100_000
REPEATS = 7
AIM = "at most 1.5x"


def measure() -> list[dict[str, object]]:
    """Medians on a lattice with holes (rows shuffled), the same with the step unknown, and given points."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(400), np.arange(400)), axis=-1).reshape(-1, 2)
    lattice = rng.permutation(grid)[:NUM_NODES] * 512
    points = rng.integers(0, 400 * 512, (NUM_NODES, 2))
    return [
        _row("knn_100k: lattice with holes", _features(lattice, 512.0)),
        _row("knn_100k: the same, step inferred", _features(lattice, float("nan"))),
        _row("knn_100k: given points", _features(points, 0.0)),
    ]


def _features(coords: np.ndarray, step: float) -> PatchFeatures:
    return PatchFeatures("speed", np.zeros((len(coords), 1), np.float16), coords, step_level0=step, mpp=0.25)


def _row(name: str, features: PatchFeatures) -> dict[str, object]:
    points = features.coords.astype(np.float64)
    builder = KNN(k=8)
    ours, bare = medians(
        lambda: builder.edges(features), lambda: cKDTree(points).query(points, k=9), repeats=REPEATS
    )
    return {
        "name": name,
        "value": ours,
        "unit": "s",
        "baseline": bare,
        "ratio": ours / bare,
        "aim": AIM,
        "threads": 1,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
