"""How long the doctor takes over a folder of feature files, beside plain reading of the same bytes.

    python -m benchmarks.doctor_files --work DIR --out benchmarks/results

Made-up files, in the library's own layout and in TRIDENT's: they are written under DIR once. In each round
every reader reads all files in a fresh process; once from the system's file cache, and once after the system
was asked to forget the files (Linux), which reads from the disk. Finished readings are kept under DIR: it can
be stopped and called again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import write_features
from wsigraph.pipelines.doctor import examine_files

FOLDERS = {
    "10,000 files of 150 x 64": (10_000, 150, 64, "wsigraph"),
    "300 files of 4,000 x 1,024": (300, 4_000, 1_024, "wsigraph"),
    "300 files of 4,000 x 1,024, contiguous, no hash": (300, 4_000, 1_024, "trident"),
}
"""Files, patches, channels and layout of each folder; features are float16."""
PLACES = ("cache", "disk")
READERS = ("plain", "h5py", "doctor")
PIECE = 1 << 20
HEADINGS = "| files | read from | reader | s | MB/s | CPU s | peak memory of a process | of plain reading |"


def make(folder: Path, files: int, shape: tuple[int, int], layout: str) -> None:
    """Write made-up feature files, unless they stand there."""
    if folder.exists() and len(list(folder.glob("*.h5"))) == files:
        return
    folder.mkdir(parents=True, exist_ok=True)
    side = int(shape[0] ** 0.5) + 1
    coords = np.stack([np.arange(shape[0]) % side, np.arange(shape[0]) // side], axis=1) * 256
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float16)
    for number in range(files):
        x[0, :2] = number % 1000, number // 1000  # no two files alike
        path = folder / f"made_up_{number:05d}.h5"
        if layout == "trident":
            with h5py.File(path, "w") as file:
                file["features"], file["coords"] = x, coords
                file["coords"].attrs.update({"patch_size": 256, "patch_size_level0": 256, "overlap": 0})
        else:
            known = {"patch_size_level0": 256.0, "patch_px": 256, "step_level0": 256.0, "mpp": 0.5}
            write_features(path, PatchFeatures(path.stem, x, coords, encoder="made up", **known))
    os.sync()


def forget(folder: Path) -> None:
    """Ask the system to drop the folder's files from its cache."""
    for path in folder.glob("*.h5"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read(reader: str, folder: Path) -> dict[str, float]:
    """Read a folder in this process and say what it took."""
    size = sum(path.stat().st_size for path in folder.glob("*.h5"))
    begin = time.perf_counter()
    if reader == "h5py":
        for path in sorted(folder.glob("*.h5")):
            with h5py.File(path, "r") as file:
                for name in ("features", "coords"):
                    np.asarray(file[name])
    elif reader == "plain":
        buffer = bytearray(PIECE)
        for path in sorted(folder.glob("*.h5")):
            with open(path, "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass
    else:
        found = examine_files(folder, workers=None)
        assert {fault.name for fault in found.faults} <= {"mpp_unknown"}, found.groups
    seconds = time.perf_counter() - begin
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    return {"s": seconds, "mb": size / 1e6, "cpu": cpu, "peak": max(own.ru_maxrss, others.ru_maxrss) / 1e3}


def measure(work: Path, *, rounds: int) -> list[dict[str, Any]]:
    """Medians over rounds; all readers take turns within each. Finished readings are kept in ``work``."""
    kept = work / "readings.jsonl"
    work.mkdir(parents=True, exist_ok=True)
    kept.touch()
    for job in product(range(rounds), FOLDERS, PLACES, READERS):
        done = {tuple(json.loads(line)["job"]) for line in kept.read_text(encoding="utf-8").splitlines()}
        if job not in done:
            taken = one_reading(work, title=job[1], place=job[2], reader=job[3])
            with open(kept, "a", encoding="utf-8") as file:
                file.write(json.dumps({"job": job, "taken": taken}) + "\n")
    readings = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    rows = []
    for job in product(FOLDERS, PLACES, READERS):
        taken = [one["taken"] for one in readings if one["job"][0] < rounds and tuple(one["job"][1:]) == job]
        middle = {name: statistics.median(one[name] for one in taken) for name in taken[0]}
        rows.append({"files": job[0], "place": job[1], "reader": job[2], **middle})
    return rows


def one_reading(work: Path, *, title: str, place: str, reader: str) -> dict[str, float]:
    """One reader over one folder, in a fresh process."""
    files, patches, channels, layout = FOLDERS[title]
    folder = work / f"{layout}_{files}"
    make(folder, files, (patches, channels), layout)
    if place == "disk":
        forget(folder)
    else:
        read("plain", folder)
    command = [sys.executable, "-m", "benchmarks.doctor_files", "--one", reader, "--work", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(title, place, reader, done.stdout.strip(), file=sys.stderr, flush=True)
    return json.loads(done.stdout)


def page(rows: list[dict[str, Any]], *, rounds: int) -> str:
    """The table as Markdown."""
    plain = {(row["files"], row["place"]): row["s"] for row in rows if row["reader"] == "plain"}
    lines = [
        f"# The doctor over feature files, {date.today()}",
        "",
        f"Made-up files. Rounds: {rounds} (medians), on {os.cpu_count()} cores shared with other work,",
        "so that seconds vary; CPU seconds count all processes and the loading of libraries.",
        "*Plain* opens the files and reads every byte in one process, *h5py* reads both datasets,",
        "unchecked, in one process; neither does anything with them. *Disk* is after the system was asked to",
        "forget the files.",
        "",
        HEADINGS,
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratio = row["s"] / plain[row["files"], row["place"]]
        lines.append(
            f"| {row['files']} | {row['place']} | {row['reader']} | {row['s']:.2f} "
            f"| {row['mb'] / row['s']:.0f} | {row['cpu']:.1f} | {row['peak']:.0f} MB | {ratio:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the page, or one reading for the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where the made-up files lie")
    parser.add_argument("--out", type=Path, help="folder of the dated page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(read(asked.one, asked.work)))
        return
    text = page(measure(asked.work, rounds=asked.rounds), rounds=asked.rounds)
    if asked.out:
        (asked.out / f"doctor_files_{date.today()}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
