"""Prediction on a slide of a million patches of 1,536 channels in half precision."""

from __future__ import annotations

import json

from benchmarks.one_job import measure as measure_alone
from benchmarks.timing import row

PATCHES, CHANNELS = 1_000_000, 1536


def measure() -> list[dict[str, object]]:
    """Peak resident memory of the whole process, libraries and slide included, and the seconds it took."""
    rows = []
    for name, label in (("srmil_code", ""), ("srmil", ": recipe srmil on the same graph")):
        taken = measure_alone(f"predict:{name}", PATCHES, CHANNELS)
        rows += [
            row(f"inference_1m{label}", taken["peak_gb"], "GB", aim="at most 16 GB"),
            row(f"inference_1m{label}, seconds", taken["seconds"], "s"),
        ]
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
