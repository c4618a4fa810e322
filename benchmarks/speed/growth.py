"""Time per patch of ``srmil_code`` from 10,000 to 160,000 patches: training step and prediction."""

from __future__ import annotations

import json
from collections.abc import Callable

import torch

from benchmarks import big_slide
from benchmarks.timing import medians, row

SIZES = (10_000, 40_000, 160_000)
CHANNELS = 1024
REPEATS = 3


def measure() -> list[dict[str, object]]:
    """Microseconds per patch at the largest size against the smallest; sizes one after the other."""
    taken: dict[str, list[float]] = {"training step": [], "prediction": []}
    for patches in SIZES:
        for kind, seconds in _both(patches).items():
            taken[kind].append(seconds / patches * 1e6)
    rows = []
    for kind, per_patch in taken.items():
        name = "growth" if kind == "training step" else f"growth: {kind}"
        rows.append(row(name, per_patch[-1], "us per patch", baseline=per_patch[0], aim="at most 1.3"))
        middle = row(f"{name}, 40,000 patches", per_patch[1], "us per patch", baseline=per_patch[0])
        rows.append(middle | {"aim": "at most 1.3"})
    return rows


def _both(patches: int) -> dict[str, float]:
    graph = big_slide.slide(patches, CHANNELS)
    model, objectives = big_slide.network("srmil_code", CHANNELS)
    step = big_slide.training_step(model, objectives, graph)
    (train,) = medians(step, repeats=REPEATS)
    predict: Callable[[], object] = torch.no_grad()(lambda: model(graph))
    model.eval()
    (forward,) = medians(predict, repeats=REPEATS)
    return {"training step": train, "prediction": forward}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
