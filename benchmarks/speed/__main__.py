"""``python -m benchmarks.speed [--only NAME] [--json] [--out DIR]``: measure and write a dated file."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import benchmarks.speed

PACKAGES = ("wsigraph", "torch", "numpy", "scipy", "h5py", "openslide-bin", "scikit-image")


def main() -> None:
    """Collect the rows of every module of this package that has ``measure``."""
    names = sorted(m.name for m in pkgutil.iter_modules(benchmarks.speed.__path__) if m.name != "__main__")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=main.__doc__)
    parser.add_argument("--only", choices=names, action="append", help="measure this alone")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per row instead of a table"
    )
    parser.add_argument("--out", type=Path, help="folder for a dated .md and .json")
    parser.add_argument("--name", default="speed", help="how the files begin, before the date")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in asked.only or names:
        rows += importlib.import_module(f"benchmarks.speed.{name}").measure()
    report = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "rows": rows}
    print("\n".join(json.dumps(row) for row in rows) if asked.json else as_markdown(report))
    if asked.out is not None:
        write(asked.out, report, name=asked.name)


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def cpu_name() -> str:
    """The processor's name, as far as the system tells."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def as_markdown(report: dict[str, Any]) -> str:
    """A table a person reads, with the machine below it."""
    lines = [
        f"# Speed, {report['date']}",
        "",
        "| what | value | baseline | value / baseline | aim | floor | threads |",
        "|---|---:|---:|---:|---|---:|---:|",
    ]
    for row in report["rows"]:
        baseline, ratio = row.get("baseline"), row.get("ratio")
        cells = [
            row["name"],
            _quantity(row["value"], row["unit"]),
            _quantity(baseline, row["unit"]),
            "" if ratio is None else f"{ratio:.2f}",
            row.get("aim") or "",
            _quantity(row.get("floor"), row["unit"]),
            row.get("threads", ""),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    facts = ", ".join(f"{name} {value}" for name, value in report["machine"].items())
    return "\n".join([*lines, "", f"Machine: {facts}.", ""])


def _quantity(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}"


def write(folder: Path, report: dict[str, Any], *, name: str = "speed") -> None:
    """Write ``<name>_<date>.md`` and ``.json``."""
    from wsigraph.io.atomic import write_json, write_text

    write_text(folder / f"{name}_{report['date']}.md", as_markdown(report))
    write_json(folder / f"{name}_{report['date']}.json", report)


if __name__ == "__main__":
    main()
