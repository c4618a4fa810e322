"""A training step of ``hmil`` on 64 slides against 64 flat steps, and what its queue takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch_geometric.data import Batch

from benchmarks.hmil_study.arms import ARMS, Arm, build_recipe
from benchmarks.one_job import Peak
from benchmarks.timing import medians, row
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.objectives.slide_queue import SlideQueue

SLIDES, PATCHES, CHANNELS = 64, 1_000, 1024
QUEUE = 4_096
REPEATS = 3
TREE = ready_tree("bracs")


def measure() -> list[dict[str, object]]:
    """Seconds side by side, memory that a step adds, and the bytes and seconds of a queue."""
    slides = _slides()
    hmil, queued, flat = (
        _steps(arm, slides, together=arm.name != "F")
        for arm in (ARMS["H"], Arm("Q", "", changes={"terms.contrast.queue": QUEUE}), ARMS["F"])
    )
    grown = []
    for job in (flat, hmil):  # the smaller first: memory once taken is not always given back
        with Peak() as peak:
            job()
        grown.append(peak.value - peak.before)
    seconds, with_queue, baseline = medians(hmil, queued, flat, repeats=REPEATS)
    queue = SlideQueue(QUEUE, 256)
    held = sum(value.numel() * value.element_size() for value in queue.state_dict().values())
    what = f"hmil_step: {SLIDES} slides of {PATCHES:,} patches"
    return [
        row(f"{what}, against as many flat steps", seconds, "s", baseline=baseline),
        row(f"{what}, memory of the step against that of a flat one", grown[1], "GB", baseline=grown[0]),
        row(f"{what}, with a queue of {QUEUE:,} slides, against without", with_queue, "s", baseline=seconds),
        row(f"hmil_step: queue of {QUEUE:,} slides of 256 channels", held / 1e6, "MB"),
    ]


def _slides() -> list[SpatialGraph]:
    """Random features without edges: made up (synthetic), only their sizes matter."""
    rng = np.random.default_rng(0)
    nothing = torch.empty(2, 0, dtype=torch.long)
    rows = (rng.standard_normal((PATCHES, CHANNELS), dtype=np.float32) for _ in range(SLIDES))
    return [SpatialGraph(torch.from_numpy(x), nothing, pos=torch.zeros(PATCHES, 2)) for x in rows]


def _steps(arm: Arm, slides: Sequence[SpatialGraph], *, together: bool) -> Callable[[], None]:
    """All slides once: forward, backward and optimiser, in one step or slide by slide."""
    recipe = build_recipe(arm, TREE, in_channels=CHANNELS, graph={}, settings={})
    model, objectives = recipe.build()
    optimiser = torch.optim.AdamW([*model.parameters(), *objectives.parameters()], lr=1e-4, fused=True)
    target = torch.tensor([TREE.line(-1, i % len(TREE.names())) for i in range(len(slides))])
    groups = [list(range(len(slides)))] if together else [[i] for i in range(len(slides))]
    batches = [(Batch.from_data_list([slides[i] for i in group]), target[group]) for group in groups]

    def run() -> None:
        for batch, labels in batches:
            optimiser.zero_grad()
            objectives(model, batch, target=labels, epoch=100).total.backward()
            optimiser.step()

    return run


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
