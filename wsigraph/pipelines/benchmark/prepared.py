"""A data set as a cohort of feature files, made once and made anew where it is not what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import read_json, write_json, write_text
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.pipelines.reporter import Reporter

MANIFEST, FEATURES, MADE = "manifest.csv", "features", "made.json"


@dataclass(frozen=True)
class Bag:
    """One slide of a data set, as its manifest will say.

    Args:
        features: Its patches.
        patient_id: Its patient.
        label: Its class.
    """

    features: PatchFeatures
    patient_id: str
    label: str


def prepared(
    folder: Path,
    make: Callable[[], Iterable[Bag]],
    *,
    slides: int,
    facts: Mapping[str, Any],
    classes: Sequence[str],
    reporter: Reporter,
    target_col: str | None = "label",
) -> Cohort:
    """Write ``features/<slide>.h5``, ``manifest.csv`` and, when all is there, ``made.json``, and read them.

    Where ``made.json`` states the same facts and no file is missing nothing is made; a preparation that was
    killed has no ``made.json``, and is done anew.

    Args:
        folder: Where; of this data set alone.
        make: Yields the slides.
        slides: How many there will be.
        facts: All that the files depend on but the code, whose version is added; plain values.
        classes: Class names, in order.
        reporter: Hears which slide is done.
        target_col: Column of the classes; None where it is patches that have them.
    """
    _make(folder, make, slides=slides, facts=facts, reporter=reporter)
    return Cohort.from_manifest(
        folder / MANIFEST, features=folder / FEATURES, classes=tuple(classes), target_col=target_col
    )


def _make(
    folder: Path,
    make: Callable[[], Iterable[Bag]],
    *,
    slides: int,
    facts: Mapping[str, Any],
    reporter: Reporter,
) -> None:
    told = {"wsigraph": version("wsigraph"), **facts}
    manifest, made = folder / MANIFEST, folder / MADE
    there = len(list((folder / FEATURES).glob("*.h5"))) >= slides and manifest.is_file()
    if there and made.is_file() and read_json(made) == told:
        return
    label, rows = f"Preparing {folder.name}", ["slide_id,patient_id,label"]
    reporter.start(label, slides)
    for bag in make():
        write_features(folder / FEATURES / f"{bag.features.slide_id}.h5", bag.features)
        rows.append(f"{bag.features.slide_id},{bag.patient_id},{bag.label}")
        reporter.advance(label)
    write_text(manifest, "\n".join(rows) + "\n")
    write_json(made, told)
    reporter.finish(label)
