"""One training step on a slide as large as the largest of CAMELYON16: 114,879 patches of 1,024 channels."""

from __future__ import annotations

import json

from benchmarks.one_job import measure as measure_alone
from benchmarks.timing import row

PATCHES, CHANNELS = 114_879, 1024


def measure() -> list[dict[str, object]]:
    """Peak resident memory of the whole process, libraries and slide included, and the seconds of a step."""
    taken = measure_alone("train:srmil_code", PATCHES, CHANNELS)
    default = measure_alone("train:srmil", PATCHES, CHANNELS)
    return [
        row("step_115k", taken["peak_gb"], "GB", aim="at most 6 GB"),
        row("step_115k: seconds", taken["seconds"], "s"),
        row("step_115k: recipe srmil on the same graph", default["peak_gb"], "GB", aim="at most 6 GB"),
        row("step_115k: recipe srmil, seconds", default["seconds"], "s"),
    ]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
