"""Write splits for us, for CLAM and for Patho-Bench."""

from __future__ import annotations

from pathlib import Path

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.splits.clam import clam_files, write_clam
from wsigraph.io.splits.named import SplitSet
from wsigraph.io.splits.own import NAME, read_own, write_own
from wsigraph.io.splits.patho_bench import NAME as TABLE
from wsigraph.io.splits.patho_bench import write_patho_bench


def write_splits(found: SplitSet, cohort: Cohort, out: str | Path) -> Path:
    """Write ``splits.json``, CLAM's ``splits_<k>.csv`` and Patho-Bench's ``patho_bench.tsv`` into a folder.

    ``splits.json`` comes last: a folder that has it is whole.

    Args:
        found: The splits.
        cohort: Their slides.
        out: The folder.

    Returns: ``splits.json``.
    Raises: CohortError: if other splits stand in the folder.
    """
    out = Path(out)
    _check_folder(found, out)
    write_clam(found, out)
    patients = {slide.slide_id: slide.patient_id for slide in cohort.slides}
    labels = {slide.slide_id: slide.label for slide in cohort.slides}
    write_patho_bench(found, out / TABLE, patients=patients, labels=labels)
    write_own(found, out / NAME)
    return out / NAME


def _check_folder(found: SplitSet, out: Path) -> None:
    """Refuse a folder of other splits: files of theirs would stay beside ours."""
    if not out.is_dir() or not (clam_files(out) or (out / NAME).is_file()):
        return
    there = read_own(out / NAME) if (out / NAME).is_file() else None
    if there is None or (there.splits, there.sha256) != (found.splits, found.sha256):
        got = f"{len(clam_files(out))} others"
        todo = "Choose another --out, or delete the folder."
        raise CohortError(expected(f"Folder '{out}'", "no splits, or the same", got, todo=todo))
