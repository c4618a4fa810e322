"""A data set as feature files and a manifest, made once and made anew where it is not what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import read_json, write_json, write_text
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
    reporter: Reporter,
) -> Path:
    """Write ``features/<slide>.h5``, ``manifest.csv`` and, when all is there, ``made.json``.

    Where ``made.json`` states the same facts nothing is made; a preparation that was killed has none, and is
    done anew.

    Args:
        folder: Where; of this data set alone.
        make: Yields the slides.
        slides: How many there will be.
        facts: All that the files depend on but the code, whose version is added; plain values.
        reporter: Hears which slide is done.

    Returns: The manifest.
    """
    told = {"wsigraph": version("wsigraph"), **facts}
    manifest, made = folder / MANIFEST, folder / MADE
    if made.is_file() and manifest.is_file() and read_json(made) == told:
        return manifest
    label, rows = f"Preparing {folder.name}", ["slide_id,patient_id,label"]
    reporter.start(label, slides)
    for bag in make():
        write_features(folder / FEATURES / f"{bag.features.slide_id}.h5", bag.features)
        rows.append(f"{bag.features.slide_id},{bag.patient_id},{bag.label}")
        reporter.advance(label)
    write_text(manifest, "\n".join(rows) + "\n")
    write_json(made, told)
    reporter.finish(label)
    return manifest
