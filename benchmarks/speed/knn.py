"""k-NN build of 100,000 nodes against a bare ``cKDTree.query``, both in one run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

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
    ours, bare = _medians(lambda: builder.edges(features), lambda: cKDTree(points).query(points, k=9))
    return {
        "name": name,
        "value": ours,
        "unit": "s",
        "baseline": bare,
        "ratio": ours / bare,
        "aim": AIM,
        "threads": 1,
    }


def _medians(*jobs: Callable[[], object]) -> list[float]:
    """Median seconds of each job, taking turns so that both see the same machine."""
    times: list[list[float]] = [[] for _ in jobs]
    for repeat in range(REPEATS + 1):
        for job, taken in zip(jobs, times, strict=True):
            begin = time.perf_counter()
            job()
            if repeat:  # the first round warms up
                taken.append(time.perf_counter() - begin)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
