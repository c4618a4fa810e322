"""The suite's run as a dated page: ``python -m benchmarks.suite --work DIR --out benchmarks/results``.

``DIR`` is the folder that calls of ``wsigraph benchmark ... --out DIR`` have filled.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from wsigraph.pipelines.benchmark import read_results
from wsigraph.pipelines.benchmark.page import PICTURES, write_report
from wsigraph.pipelines.benchmark.page_looks import look_pictures
from wsigraph.pipelines.benchmark.results import Results
from wsigraph.pipelines.benchmark.suite import Suite, Wish, suite
from wsigraph.pipelines.benchmark.summary import summarise

COMMAND = "wsigraph benchmark SUITE --out DIR, as benchmarks/README.md lists them"
SHOWN = ("clustering_1.0", "nesting_1.0")
"""Synthetic contests of which slides are pictured: tissue of others is not ours to publish."""


def write_page(work: Path, out: Path, *, resamples: int = 2000) -> Path:
    """Write ``suite_<date>/report.md`` with its pictures and ``summary.json``, and return the page.

    Args:
        work: Folder of cells; every finished cell counts.
        out: Where results lie.
        resamples: Of intervals, and permutations.
    """
    folder = out / f"suite_{datetime.now(UTC):%Y-%m-%d}"
    wish, results = Wish(work / "data"), read_results(work)
    more = [part for name in Suite.registry.names() for part in suite(name).sections(wish, results)]
    summary = summarise(work, resamples=resamples)
    ours = Results(tuple(cell for cell in results.cells if cell["cohort"] in SHOWN))
    pictures = look_pictures(folder / PICTURES, ours, summary)
    page = write_report(folder, summary, command=COMMAND, heatmaps=pictures, more=more)
    page.unlink()  # it holds the pictures of report.md once more
    return folder / "report.md"


def main(arguments: list[str] | None = None) -> None:
    """Write the page of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that the benchmark filled")
    parser.add_argument("--out", type=Path, required=True, help="folder of results")
    parser.add_argument("--resamples", type=int, default=2000)
    asked = parser.parse_args(arguments)
    print(write_page(asked.work, asked.out, resamples=asked.resamples))


if __name__ == "__main__":
    main()
