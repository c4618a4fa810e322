"""Prediction by ``srmil_code`` against its folded projection alone."""

from __future__ import annotations

import json

import torch

from benchmarks import big_slide
from benchmarks.naive_srmil import NaiveSRMIL, Sizes
from benchmarks.timing import gemm_rate, medians, row

PATCHES, CHANNELS = 10_000, 1024
REPEATS = 15


@torch.no_grad()
def measure() -> list[dict[str, object]]:
    """All sides in one process."""
    graph = big_slide.slide(PATCHES, CHANNELS)
    x, edges = graph.x.float(), graph.edge_index.as_tensor()
    graph.x = x
    model = big_slide.network("srmil_code", CHANNELS)[0].eval()
    naive = NaiveSRMIL(Sizes(CHANNELS, 2)).eval()
    project = model.encoder.start()
    ours, folded, plain = medians(
        lambda: model(graph), lambda: project(x), lambda: naive.predict(x, edges), repeats=REPEATS
    )
    floor = 2.0 * PATCHES * CHANNELS * 512 / gemm_rate()
    return [
        row("srmil_inference", ours, "s", baseline=folded, aim="at most 1.4", floor=floor),
        row("srmil_inference: against plain PyG layers", ours, "s", baseline=plain, aim="", floor=floor),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
