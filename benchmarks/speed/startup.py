"""Wall time of ``import wsigraph`` and of ``wsigraph --help``, each in a fresh process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 9
AIM = "under 0.5 s"


def measure() -> list[dict[str, object]]:
    """Medians in seconds; the baseline is the same interpreter doing nothing."""
    bare = _median(["-c", "pass"])
    return [
        _row("import wsigraph", _median(["-c", "import wsigraph"]), bare),
        _row("wsigraph --help", _median(["-m", "wsigraph", "--help"]), bare),
    ]


def _row(name: str, value: float, bare: float) -> dict[str, object]:
    return {
        "name": f"startup: {name}",
        "value": value,
        "unit": "s",
        "baseline": bare,
        "ratio": value / bare,
        "aim": AIM,
        "threads": 1,
    }


def _median(arguments: list[str]) -> float:
    times = []
    for repeat in range(REPEATS + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        if repeat:  # the first round fills the disk cache
            times.append(time.perf_counter() - begin)
    return statistics.median(times)
