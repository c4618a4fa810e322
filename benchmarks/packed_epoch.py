"""An epoch over feature files as a tool wrote them, over packed ones, and from memory.

    python -m benchmarks.packed_epoch --work DIR --out benchmarks/results

Made-up slides of random features on a full lattice. An epoch asks the training's own dataset for the graph
of every slide, without any model. Layouts take turns; once from the system's file cache and once after the
system was asked to forget the files (Linux), which reads from the disk, or from whatever cache stands below a
virtual one. A second table has what finding the edges of a slide costs, and reading those kept beside.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch_geometric.loader import DataLoader

from benchmarks.speed.__main__ import machine
from wsigraph.graph.builders.delaunay import Delaunay
from wsigraph.graph.builders.feature_knn import FeatureKNN
from wsigraph.graph.builders.knn import KNN
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.disk import bytes_of
from wsigraph.io.edge_cache import cached_edges, write_edges
from wsigraph.io.features import read_features
from wsigraph.io.graph_store import GraphDataset, GraphStore
from wsigraph.pipelines.pack import pack_files

ROUNDS = 3
BUDGET = 8 << 30


def make(folder: Path, slides: int, shape: tuple[int, int], kind: str) -> None:
    """Write slides as TRIDENT does, a row per chunk, unless they stand there."""
    if folder.exists() and len(list(folder.glob("*.h5"))) == slides:
        return
    folder.mkdir(parents=True, exist_ok=True)
    side = int(shape[0] ** 0.5) + 1
    coords = np.stack([np.arange(shape[0]) % side, np.arange(shape[0]) // side], axis=1) * 256
    for number in range(slides):
        x = np.random.default_rng(number).standard_normal(shape, dtype=np.float32).astype(np.float16)
        with h5py.File(folder / f"made_up_{number:03d}.h5", "w") as file:
            file.create_dataset("features", data=x.astype(kind), chunks=(1, shape[1]))
            entry = file.create_dataset("coords", data=coords, chunks=(1, 2))
            entry.attrs.update({"patch_size": 256, "patch_size_level0": 256, "overlap": 0})
    os.sync()


def dataset(folder: Path, width: int, *, budget: int = 0) -> GraphDataset:
    """Graphs of a folder as training asks for them; read anew each time, or kept in memory after a scan."""
    slides = tuple(Slide(file.stem, file.stem, "a", file) for file in sorted(folder.glob("*.h5")))
    store = GraphStore(KNN(), False, width, budget_bytes=budget)
    if budget:
        store.scan(Cohort(slides, ("a", "b")))
    return GraphDataset(store, slides, [0] * len(slides))


def epoch(graphs: GraphDataset, *, workers: int = 0) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process and its children, of one pass."""
    begin, used = time.perf_counter(), os.times()
    for graph in DataLoader(graphs, batch_size=1, num_workers=workers):
        graph.x[0, 0].item()
    now = os.times()
    return time.perf_counter() - begin, sum(now[:4]) - sum(used[:4])


def forget(folder: Path) -> None:
    """Ask the system to drop the folder's files from its cache."""
    for path in folder.rglob("*.h5"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(work: Path, slides: int, shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Times of each layout, medians over rounds in which all take turns."""
    wide, half = work / "float32", work / "float16"
    make(wide, slides, shape, "f4")
    make(half, slides, shape, "f2")
    plain, packed = work / "packed_without_edges", work / "packed"
    for target, builder in ((plain, None), (packed, KNN())):
        pack_files([wide], target, builder=builder)
    jobs = {
        "a row per chunk, float32": (wide, 0, 0),
        "a row per chunk, float16": (half, 0, 0),
        "packed, without edges": (plain, 0, 0),
        "packed": (packed, 0, 0),
        "packed, 1 loader process": (packed, 0, 1),
        "kept in memory": (packed, BUDGET, 0),
    }
    sets = {name: dataset(folder, shape[1], budget=budget) for name, (folder, budget, _) in jobs.items()}
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for source in ("file cache", "disk"):
            for name, (folder, budget, workers) in jobs.items():
                if source == "disk" and budget:
                    continue
                if source == "disk":
                    forget(folder)
                else:
                    for file in folder.rglob("*.h5"):
                        file.read_bytes()
                taken.setdefault((name, source), []).append(epoch(sets[name], workers=workers))
    size = {name: bytes_of(folder) for name, (folder, _, _) in jobs.items()}
    return [
        {
            "layout": name,
            "read from": "memory" if name == "kept in memory" else source,
            "s": statistics.median(s for s, _ in times),
            "cpu_s": statistics.median(c for _, c in times),
            "bytes": size[name],
        }
        for (name, source), times in sorted(taken.items(), key=lambda item: item[0][1], reverse=True)
    ]


def measure_edges(file: Path) -> list[dict[str, Any]]:
    """CPU seconds of finding the edges of one slide, and of reading them where they are kept."""
    features, rows = read_features(file), []
    for builder in (KNN(), Delaunay(), FeatureKNN(k=8)):
        write_edges(file, builder, builder.edges(features))
        found, kept = [], []
        for _ in range(ROUNDS):
            begin = time.process_time()
            builder.edges(features)
            half = time.process_time()
            cached_edges(file, builder, num_nodes=len(features))
            found.append(half - begin)
            kept.append(time.process_time() - half)
        rows.append(
            {"builder": builder.name, "found": statistics.median(found), "kept": statistics.median(kept)}
        )
    return rows


def page(
    rows: list[dict[str, Any]], edges: list[dict[str, Any]], *, slides: int, shape: tuple[int, int]
) -> str:
    """The tables as a page."""
    first = {row["read from"]: row["s"] for row in rows if row["layout"] == "a row per chunk, float32"}
    lines = [
        f"# An epoch over {slides} slides of {shape[0]:,} x {shape[1]:,}, {date.today().isoformat()}",
        "",
        "| layout | read from | s per epoch | of float32 rows | CPU s | bytes on disk |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratio = row["s"] / first.get(row["read from"], first["file cache"])
        cells = [row["layout"], row["read from"], f"{row['s']:.2f}", f"{ratio:.2f}"]
        lines.append(f"| {' | '.join(cells)} | {row['cpu_s']:.2f} | {row['bytes']:,} |")
    lines += [
        "",
        "| edges of one slide | found, CPU ms | read from beside, CPU ms |",
        "|---|---:|---:|",
        *(f"| {one['builder']} | {one['found'] * 1e3:.1f} | {one['kept'] * 1e3:.1f} |" for one in edges),
    ]
    told = ", ".join(f"{name} {value}" for name, value in machine().items())
    note = (
        f"Medians of {ROUNDS} rounds in which layouts take turns; graphs of k = 8 neighbours. Loading alone: "
        "no model runs. 'Disk' means that the system was asked to forget the files; a virtual disk may have "
        "a cache of its own below. The features are made up."
    )
    threads = torch.get_num_threads()
    return "\n".join([*lines, "", note, "", f"Machine: {told}, torch threads {threads}.", ""])


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="Where the files go; deleted at the end.")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--slides", type=int, default=20)
    parser.add_argument("--patches", type=int, default=6000)
    parser.add_argument("--channels", type=int, default=1024)
    asked = parser.parse_args()
    shape = (asked.patches, asked.channels)
    rows = measure(asked.work, asked.slides, shape)
    edges = measure_edges(asked.work / "packed_without_edges" / "made_up_000.h5")
    text = page(rows, edges, slides=asked.slides, shape=shape)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / f"packed_{date.today().isoformat()}.md").write_text(text, encoding="utf-8")
    print(text)
    shutil.rmtree(asked.work)


if __name__ == "__main__":
    main()
