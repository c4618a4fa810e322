"""One job in its own process, for its peak memory: ``python -m benchmarks.one_job JOB PATCHES CHANNELS``.

Prints one JSON object: the resident memory before the job and at its peak (GB, libraries and data
included), and the seconds it took.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import big_slide
from benchmarks.naive_srmil import NaiveSRMIL, Sizes, training_step


def measure(job: str, patches: int, channels: int) -> dict[str, Any]:
    """Run a job in a fresh process and return what it prints."""
    command = [sys.executable, "-m", "benchmarks.one_job", job, str(patches), str(channels)]
    root = Path(__file__).parents[1]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def make(job: str, patches: int, channels: int) -> Callable[[], object]:
    """``train:RECIPE``, ``predict:RECIPE`` or ``train:naive``, ready to be run."""
    kind, _, name = job.partition(":")
    graph = big_slide.slide(patches, channels)
    if name == "naive":
        return training_step(NaiveSRMIL(Sizes(channels, 2)), graph.x.float(), graph.edge_index.as_tensor())
    model, objectives = big_slide.network(name, channels)
    if kind == "train":
        return big_slide.training_step(model, objectives, graph)
    model.eval()
    return torch.no_grad()(lambda: model(graph).logits)


def resident() -> float:
    """GB in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


class Peak:
    """Highest resident memory while the block runs, looked at every few milliseconds."""

    def __enter__(self) -> Peak:
        self.before = self.value = resident()
        self._running = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while self._running:
            self.value = max(self.value, resident())
            time.sleep(0.002)

    def __exit__(self, *_: object) -> None:
        self._running = False
        self._thread.join()


def main() -> None:
    """Measure what the command line names."""
    job, patches, channels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    run = make(job, patches, channels)
    with Peak() as peak:
        begin = time.perf_counter()
        run()
        seconds = time.perf_counter() - begin
    print(json.dumps({"before_gb": peak.before, "peak_gb": peak.value, "seconds": seconds}))


if __name__ == "__main__":
    main()
