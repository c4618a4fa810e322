"""A training step of ``hmil`` on 64 slides against 64 flat steps, and what its queue takes.

Each side runs in a process of its own, in one thread, and is counted in CPU seconds, which hardly change when
other work shares the machine. A flat step is the fine head's cross-entropy alone behind the same encoder; 64
flat steps see one slide each, since without contrast nothing asks for more. Slides are made up (synthetic).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Batch

from benchmarks.hmil_study.arms import ARMS, Arm, build_recipe
from benchmarks.one_job import Peak
from benchmarks.timing import row
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.objectives.objectives import Objectives

SLIDES, PATCHES, CHANNELS = 64, 1_000, 1024
QUEUE = 4_096
REPEATS = 3
TREE = ready_tree("bracs")
JOBS: Mapping[str, tuple[Arm, int]] = MappingProxyType(
    {
        "flat steps": (ARMS["F"], 1),
        "flat step": (ARMS["F"], SLIDES),
        "hmil": (ARMS["H"], SLIDES),
        "queue": (Arm("Q", "", changes={"terms.contrast.queue": QUEUE}), SLIDES),
    }
)
"""Arm and slides per step of each side."""


def measure() -> list[dict[str, object]]:
    """CPU seconds and added memory of a pass over all slides, side by side, and the bytes of a queue."""
    found = {name: alone(name) for name in JOBS}
    seconds, grown = ({name: one[key] for name, one in found.items()} for key in ("seconds", "gb"))
    what = f"hmil_step: {SLIDES} slides of {PATCHES:,} patches, {CHANNELS} channels"
    rows = [
        row(f"{what}, against {SLIDES} flat steps", seconds["hmil"], "s", baseline=seconds["flat steps"]),
        row(f"{what}, against one flat step", seconds["hmil"], "s", baseline=seconds["flat step"]),
        row(f"{what}, memory, against a flat step of 1", grown["hmil"], "GB", baseline=grown["flat steps"]),
        row(f"{what}, memory, against a flat step of all", grown["hmil"], "GB", baseline=grown["flat step"]),
        row(f"{what}, queue of {QUEUE:,}, against none", seconds["queue"], "s", baseline=seconds["hmil"]),
        row(f"hmil_step: queue of {QUEUE:,} slides of 256 channels", found["queue"]["queue_mb"], "MB"),
    ]
    return [{**one, "threads": 1} for one in rows]


def alone(name: str) -> dict[str, Any]:
    """One side in a fresh process and one thread."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.hmil_step", name],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run(name: str, *, patches: int = PATCHES, repeats: int = REPEATS) -> dict[str, Any]:
    """Median CPU seconds of a pass, the memory (GB) that the first one added, and the queue's bytes (MB)."""
    objectives, step = make(name, patches=patches)
    with Peak() as peak:
        step()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    return {
        "seconds": statistics.median(times),
        "gb": peak.value - peak.before,
        "queue_mb": held(objectives) / 1e6,
    }


def held(objectives: Objectives) -> int:
    """Bytes of the contrast's queue, 0 where it has none."""
    kept = [value for key, value in objectives.state_dict().items() if key.startswith("terms.contrast.seen.")]
    return sum(value.numel() * value.element_size() for value in kept)


def make(name: str, *, patches: int = PATCHES) -> tuple[Objectives, Callable[[], None]]:
    """The loss, and all slides once: forward, backward and optimiser, step by step."""
    arm, at_once = JOBS[name]
    recipe = build_recipe(arm, TREE, in_channels=CHANNELS, graph={}, settings={})
    model, objectives = recipe.build()
    optimiser = torch.optim.AdamW([*model.parameters(), *objectives.parameters()], lr=1e-4, fused=True)
    rng, nothing = np.random.default_rng(0), torch.empty(2, 0, dtype=torch.long)
    rows = (rng.standard_normal((patches, CHANNELS), dtype=np.float32) for _ in range(SLIDES))
    slides = [SpatialGraph(torch.from_numpy(x), nothing, pos=torch.zeros(patches, 2)) for x in rows]
    target = torch.tensor([TREE.line(-1, i % len(TREE.names())) for i in range(SLIDES)])
    groups = [list(range(first, first + at_once)) for first in range(0, SLIDES, at_once)]
    batches = [(Batch.from_data_list([slides[i] for i in group]), target[group]) for group in groups]

    def step() -> None:
        for batch, labels in batches:
            optimiser.zero_grad()
            objectives(model, batch, target=labels, epoch=100).total.backward()
            optimiser.step()

    return objectives, step


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1]) if len(sys.argv) > 1 else measure()))
