"""Many looks at once, in a bounded number of processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from wsigraph.pipelines.doctor.fault import Fault
from wsigraph.pipelines.doctor.look import Look, look

MOST = 8
"""Processes that keep a disk busy; more only wait for it."""
PER_FILE_S, BYTES_PER_S = 4e-3, 4e8
"""What a look costs one core, about: so much per file, and so much per byte."""
WORTH_S = 3.0
"""Work below which starting other processes takes longer than it saves."""
PORTION = 16


def crew_for(files: Sequence[Path]) -> int:
    """Processes worth starting for these files; 0 is this one alone."""
    size = sum(file.stat().st_size for file in files if file.exists())
    work, cores = len(files) * PER_FILE_S + size / BYTES_PER_S, os.cpu_count() or 1
    return 0 if work < WORTH_S or cores < 2 else min(cores, MOST)


def looks(files: Sequence[Path], *, workers: int = 0, at: Callable[[Path], Look] = look) -> Iterator[Look]:
    """Look at every file, in their order; a file that ends the process that reads it is named as unreadable.

    Args:
        files: What ``read_features`` takes.
        workers: Processes to share the work; 0 does it here.
        at: What a look is; a function that other processes can import.
    """
    if not workers:
        yield from map(at, files)
        return
    done = 0
    try:
        for one in _shared(files, workers, at=at, portion=PORTION):
            done += 1
            yield one
    except BrokenProcessPool:  # some file killed a process: which one shows when each is looked at alone
        yield from _one_by_one(files[done:], at)


def _shared(
    files: Sequence[Path], workers: int, *, at: Callable[[Path], Look], portion: int
) -> Iterator[Look]:
    # spawned, not forked: a forked process inherits locks that threads of torch and HDF5 may hold
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(at, files, chunksize=portion)


def _one_by_one(files: Sequence[Path], at: Callable[[Path], Look]) -> Iterator[Look]:
    done = 0
    while done < len(files):
        try:
            for one in _shared(files[done:], 1, at=at, portion=1):
                done += 1
                yield one
        except BrokenProcessPool:
            name = files[done].name
            yield Look(name, (Fault("unreadable", name, "reading it ended the process: a damaged file"),))
            done += 1
