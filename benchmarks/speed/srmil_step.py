"""One training step of ``srmil_code`` against the same computation in plain PyG layers, nothing shared."""

from __future__ import annotations

import json

from benchmarks import big_slide
from benchmarks.naive_srmil import NaiveSRMIL, Sizes, training_step
from benchmarks.one_job import measure as measure_alone
from benchmarks.timing import gemm_rate, medians, row

PATCHES, CHANNELS = 10_000, 1024
REPEATS = 5


def operations(n: int, f: int, *, masked: float = 0.7, width: int = 256) -> float:
    """Multiplications and additions of the projections that one step cannot do without, dropout on.

    Forward and both gradients of each: reformer (its input needs none), first projection and residual of
    three passes (no gradient of a masked row), second layer of the first pass, bridge, decoder.
    """
    first = 2.0 * n * f * 2 * width
    small = 2.0 * n * width * width
    reformer = 2 * 2.0 * n * f * f
    passes = 3 * first + 2 * (2 + (1 - masked)) * first
    decoder = 3 * small + 3 * 2.0 * masked * n * width * f
    return reformer + passes + 3 * small + 3 * small + decoder


def measure() -> list[dict[str, object]]:
    """Time side by side in one process; memory each in a process of its own."""
    graph = big_slide.slide(PATCHES, CHANNELS)
    ours = big_slide.training_step(*big_slide.network("srmil_code", CHANNELS), graph)
    plain = training_step(NaiveSRMIL(Sizes(CHANNELS, 2)), graph.x.float(), graph.edge_index.as_tensor())
    seconds, baseline = medians(ours, plain, repeats=REPEATS)
    floor = operations(PATCHES, CHANNELS) / gemm_rate()
    mine, other = (measure_alone(f"train:{name}", PATCHES, CHANNELS) for name in ("srmil_code", "naive"))
    grown = [one["peak_gb"] - one["before_gb"] for one in (mine, other)]
    return [
        row("srmil_step", seconds, "s", baseline=baseline, aim="at most 0.33", floor=floor),
        row("srmil_step: peak memory of the step", grown[0], "GB", baseline=grown[1], aim="at most 0.33"),
        row("srmil_step: against the authors' code, 3.5 s on another day", seconds, "s", baseline=3.5,
            aim="at most 0.4"),
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
