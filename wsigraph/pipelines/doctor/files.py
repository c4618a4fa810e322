"""Look over the feature files of a cohort, each alone and all together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.finder import files_at
from wsigraph.pipelines.doctor.crew import crew_for, looks
from wsigraph.pipelines.doctor.fault import Checkup, Fault, worst_first
from wsigraph.pipelines.doctor.look import Encoding, Look
from wsigraph.pipelines.doctor.sizes import sizes_histogram
from wsigraph.pipelines.reporter import Reporter, Silent

TASK = "Looking at feature files"
SAME_STEP = 0.1
"""Steps in um this much apart, as a share, are the same: scanners differ by a few percent."""


def examine_files(
    folder: str | Path, *, workers: int | None = 0, reporter: Reporter | None = None
) -> Checkup:
    """Read every feature file of a folder once and say what is wrong; memory does not grow with the files.

    Args:
        folder: Folder of feature files, or one file.
        workers: Processes to share the work; 0 does it here, None takes as many as help.
        reporter: Who hears of the progress.

    Raises: FeatureFileError: if there is no feature file at all.
    """
    folder = Path(folder)
    files = files_at(folder) if folder.exists() else []
    if not files:
        got = "a folder without any" if folder.exists() else "nothing"
        raise FeatureFileError(expected(f"Path '{folder}'", "feature files", got, todo="Check the path."))
    return examine(files, workers=workers, reporter=reporter)


def examine(files: Sequence[Path], *, workers: int | None = 0, reporter: Reporter | None = None) -> Checkup:
    """As ``examine_files``, of these files."""
    reporter = reporter or Silent()
    found: list[Look] = []
    reporter.start(TASK, len(files))
    for one in looks(files, workers=crew_for(files) if workers is None else workers):
        found.append(one)
        reporter.advance(TASK)
    reporter.finish(TASK)
    faults = [fault for one in found for fault in one.faults]
    faults += [*_twins(found), *_mixed(found), *_odd_steps(found)]
    return Checkup(_facts(found), worst_first(faults))


def _facts(found: Sequence[Look]) -> dict[str, Any]:
    sizes = [one.num_patches for one in found if one.encoding is not None]
    facts: dict[str, Any] = {"files": len(found), "readable": len(sizes)}
    if sizes:
        facts |= {
            "patches": sum(sizes),
            "patches_per_slide": {"least": min(sizes), "median": float(np.median(sizes)), "most": max(sizes)},
            "sizes": sizes_histogram(sizes),
            "encodings": {str(kind): count for kind, count in _encodings(found).most_common()},
        }
    return facts


def _encodings(found: Sequence[Look]) -> Counter[Encoding]:
    return Counter(one.encoding for one in found if one.encoding is not None)


def _twins(found: Sequence[Look]) -> list[Fault]:
    first: dict[str, str] = {}
    faults = []
    for one in found:
        other = first.setdefault(one.digest, one.name) if one.digest else one.name
        if other != one.name:
            faults.append(Fault("duplicate", one.name, f"the same as {other}"))
    return faults


def _mixed(found: Sequence[Look]) -> list[Fault]:
    kinds = _encodings(found)
    if len(kinds) <= 1:
        return []
    (usual, count), *_ = kinds.most_common(1)
    faults = []
    for one in found:
        if one.encoding is not None and one.encoding != usual:
            other = one.encoding.in_channels != usual.in_channels
            told = f"{one.encoding}; {count} files have {usual}"
            faults.append(Fault("mixed_widths" if other else "mixed_encoders", one.name, told))
    return faults


def _odd_steps(found: Sequence[Look]) -> list[Fault]:
    """Files whose patches lie farther apart on the tissue than those of most."""
    steps = {one.name: one.step_um for one in found if math.isfinite(one.step_um)}
    if not steps:
        return []
    usual = float(np.median(list(steps.values())))
    return [
        Fault("odd_step", name, f"{step:.4g} um between patches; {usual:.4g} um is usual", "warning")
        for name, step in steps.items()
        if abs(step - usual) > SAME_STEP * usual
    ]
