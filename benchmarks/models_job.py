"""One model's training step in its own process: ``python -m benchmarks.models_job WHO PATCHES CHANNELS``.

WHO is a recipe, or ``torchmil:TransMIL``. Prints one JSON object: median CPU seconds of a step in one thread
(forward and backward of the whole loss, train mode, no optimiser) and the memory that the first step added
(GB). CPU seconds, because they hardly change when other work shares the machine; the first step is not among
them. Before it, a step on a small slide loads libraries and kernels, which are no memory of the step's.
The slide is made up (synthetic): random features on a square lattice; only its size matters.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.big_slide import STEP, network
from benchmarks.one_job import Peak
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.base import GraphBuilder
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import recipe

SMALL = 512
"""Patches of the slide that everything is loaded for."""

EMBED = 512
"""Width that torchmil's models are given their patches in, as our set recipes embed them."""

WITH_EDGES = ("PatchGCN", "CAMIL", "SmABMIL", "GTP", "DeepGraphSurv")
"""torchmil's models that read an adjacency."""

OPTIONS = {
    "ABMIL": {"gated": True},
    "CLAM_SB": {"gated": True, "att_dim": 256, "k_sample": 8},
    "CAMIL": {"n_landmarks": 256, "n_heads": 8},
    "TransMIL": {"n_landmarks": 256, "n_heads": 8},
}
"""Where its defaults fail or are not the paper's."""


def measure(who: str, patches: int, channels: int, *, limit_s: float = 600.0) -> dict[str, Any]:
    """Run one job in a fresh process; ``{"failed": why}`` where it did not end well or in time."""
    command = [sys.executable, "-m", "benchmarks.models_job", who, str(patches), str(channels)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {limit_s:.0f} s"}
    if done.returncode < 0:
        return {"failed": "out of memory" if done.returncode == -9 else f"signal {-done.returncode}"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1][:120]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def slide(builder: GraphBuilder, patches: int, channels: int, *, loops: bool) -> SpatialGraph:
    """Random features on a square lattice, with the edges that a recipe asks for."""
    side = int(np.ceil(np.sqrt(patches)))
    place = np.arange(patches)
    coords = np.stack([place % side, place // side], axis=1) * STEP
    x = np.random.default_rng(0).standard_normal((patches, channels), dtype=np.float32)
    features = PatchFeatures(
        "made up", x, coords, patch_size_level0=STEP, patch_px=STEP, step_level0=STEP, mpp=0.5
    )
    graph = to_graph(features, builder)
    return with_self_loops(graph) if loops else graph


def ours(name: str, patches: int, channels: int) -> Callable[[], object]:
    """Forward and backward of a recipe's whole loss."""
    method = recipe(name, in_channels=channels, classes=["normal", "tumour"])
    graph = slide(graph_builder(method), patches, channels, loops=method.self_loops)
    model, objectives = network(name, channels)
    model.train()
    objectives.train()
    tree = method.make_task().label_tree
    target = torch.tensor([1] if tree is None else [tree.line(-1, 1)])

    def step() -> None:
        model.zero_grad()
        objectives.zero_grad()
        objectives(model, graph, target=target).total.backward()

    return step


def theirs(name: str, patches: int, channels: int) -> Callable[[], object]:
    """Forward and backward of torchmil's model of this name, behind the same embedding."""
    import torchmil.models

    graph = slide(KNN(k=8), patches, channels, loops=True)
    embed = nn.Sequential(nn.Linear(channels, EMBED), nn.ReLU(), nn.Dropout(0.25))
    model = getattr(torchmil.models, name)(
        in_shape=(channels,), feat_ext=embed, **OPTIONS.get(name, {})
    ).train()
    inputs = [graph.x.unsqueeze(0)]
    if name in WITH_EDGES:
        edges = graph.edge_index.as_tensor()
        degree = torch.bincount(edges[1], minlength=patches).float().rsqrt()
        values = degree[edges[0]] * degree[edges[1]]
        batched = torch.cat([torch.zeros_like(edges[:1]), edges])
        inputs.append(torch.sparse_coo_tensor(batched, values, (1, patches, patches)).coalesce())
    if name == "DTFDMIL":  # fails without one
        inputs.append(torch.ones(1, patches, dtype=torch.bool))
    truth = torch.tensor([1.0])

    def step() -> None:
        model.zero_grad()
        torch.stack(list(model.compute_loss(truth, *inputs)[1].values())).sum().backward()

    return step


def load(make: Callable[[int], Callable[[], object]]) -> None:
    """Run a step on a small slide, and give back what it held."""
    make(SMALL)()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    """Measure what the command line names."""
    who, patches, channels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    source, _, name = who.rpartition(":")
    kind = theirs if source == "torchmil" else ours
    load(lambda small: kind(name, small, channels))
    step = kind(name, patches, channels)
    with Peak() as peak:
        begin = time.process_time()
        step()
        first = time.process_time() - begin
    times = []
    for _ in range(5 if first < 2 else 3 if first < 8 else 1):
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    print(json.dumps({"seconds": statistics.median(times), "gb": peak.value - peak.before}))


if __name__ == "__main__":
    main()
