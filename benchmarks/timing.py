"""How times are taken: medians, the sides of a comparison taking turns, so that all see the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def medians(*jobs: Callable[[], object], repeats: int) -> list[float]:
    """Median seconds of each job over ``repeats`` rounds; one round before them warms up."""
    times: list[list[float]] = [[] for _ in jobs]
    for repeat in range(repeats + 1):
        for job, taken in zip(jobs, times, strict=True):
            begin = time.perf_counter()
            job()
            if repeat:
                taken.append(time.perf_counter() - begin)
    return [statistics.median(taken) for taken in times]


def gemm_rate(rows: int = 10_000, width: int = 1024) -> float:
    """Operations per second of a float32 product on this machine and these threads."""
    a, b = torch.randn(rows, width), torch.randn(width, width)
    (seconds,) = medians(lambda: a @ b, repeats=7)
    return 2.0 * rows * width * width / seconds


def row(
    name: str,
    value: float,
    unit: str,
    *,
    baseline: float | None = None,
    aim: str = "",
    floor: float | None = None,
) -> dict[str, object]:
    """One row of the table.

    Args:
        name: What was measured, and against what.
        value: Ours.
        unit: Of value, baseline and floor.
        baseline: The other side.
        aim: What is wanted of the ratio or the value.
        floor: What no implementation can go below on this machine, where that is known.
    """
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "baseline": baseline,
        "ratio": None if baseline is None else value / baseline,
        "aim": aim,
        "threads": torch.get_num_threads(),
        "floor": floor,
    }
