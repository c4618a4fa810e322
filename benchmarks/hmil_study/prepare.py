"""Feature files and manifests of the cohorts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import wsigraph as wg
from benchmarks.hmil_study.cohorts import STUDIES, cells_class
from wsigraph.io.atomic import write_text
from wsigraph.pipelines.benchmark.suites.crchisto import nuclei_of, read_marks
from wsigraph.synthetic.hierarchy import tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal

SLIDES = 140
COARSE_ONLY = 0.2
SIGNAL = SetSignal(siblings=0.35)

Row = tuple[str, ...]
"""slide_id, patient_id and a label per level, empty where unknown."""


def prepare(name: str, data: Path, work: Path) -> None:
    """Write ``work/name/features/*.h5`` and ``manifest.csv``.

    Args:
        name: Of a cohort.
        data: Folder of the real data.
        work: Where to write.
    """
    study, rows = STUDIES[name], []
    found = _synthetic() if name == "synthetic" else _nuclei(data / "crchisto")
    for features, row in found:
        rows.append(row)
        wg.write_features(work / name / "features" / f"{features.slide_id}.h5", features)
    lines = [",".join(("slide_id", "patient_id", *study.tree.levels)), *map(",".join, rows)]
    write_text(work / name / "manifest.csv", "\n".join(lines) + "\n")


def _synthetic() -> Iterator[tuple[wg.PatchFeatures, Row]]:
    cohort = tree_cohort(SLIDES, seed=0, signal=SIGNAL, coarse_only=COARSE_ONLY)
    for features, patient, labels in zip(cohort.features, cohort.patients, cohort.labels, strict=True):
        pairs = zip(cohort.tree.classes, labels, strict=True)
        yield features, (features.slide_id, patient, *(names[k] if k >= 0 else "" for names, k in pairs))


def _nuclei(data: Path) -> Iterator[tuple[wg.PatchFeatures, Row]]:
    for one in read_marks(data):
        yield nuclei_of(data, one), (one.name, one.name, *cells_class(Counter(one.classes.tolist())))
