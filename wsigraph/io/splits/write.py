"""Write splits for us, for CLAM and for Patho-Bench."""

from __future__ import annotations

from pathlib import Path

from wsigraph.io.cohort import Cohort
from wsigraph.io.splits.clam import write_clam
from wsigraph.io.splits.named import SplitSet
from wsigraph.io.splits.own import NAME, write_own
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
    """
    out = Path(out)
    write_clam(found, out)
    patients = {slide.slide_id: slide.patient_id for slide in cohort.slides}
    labels = {slide.slide_id: slide.label for slide in cohort.slides}
    write_patho_bench(found, out / TABLE, patients=patients, labels=labels)
    write_own(found, out / NAME)
    return out / NAME
