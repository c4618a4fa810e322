"""The benchmark runner collects rows and writes a dated file that a person can read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_rows_are_collected_printed_and_written(tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.speed",
        "--only",
        "startup",
        "--json",
        "--out",
        str(tmp_path),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command += ["--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows
    assert {"name", "value", "unit", "baseline", "ratio", "aim", "threads"} <= set(rows[0])
    assert all(row["value"] > 0 for row in rows)
    (page,) = tmp_path.glob("speed_*.md")
    assert all(row["name"] in page.read_text(encoding="utf-8") for row in rows)
