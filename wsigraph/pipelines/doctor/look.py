"""One look at one feature file, light enough for thousands of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from wsigraph.errors import WsigraphError
from wsigraph.graph.lattice import lattice_of
from wsigraph.io.features.survey import Survey, survey_features
from wsigraph.pipelines.doctor.fault import Fault
from wsigraph.pipelines.doctor.graph_faults import graph_faults

REASONS = (
    ("an empty slide", "empty"),
    ("NaN or inf in", "nan"),
    ("Unknown layout", "unknown_layout"),
)
"""Words of the readers' errors, and the fault that each is."""


@dataclass(frozen=True)
class Encoding:
    """What features of one cohort should have in common.

    Args:
        in_channels: Channels of a row.
        encoder: Patch encoder; empty where unknown.
        patch_px: Side of a patch as encoded; 0 where unknown.
    """

    in_channels: int
    encoder: str
    patch_px: int

    def __str__(self) -> str:
        size = f" at {self.patch_px} px" if self.patch_px else ""
        return f"{self.in_channels} channels of encoder '{self.encoder or 'unknown'}'{size}"


@dataclass(frozen=True)
class Look:
    """What one file is like.

    Args:
        name: Name of the file.
        faults: What is wrong with it alone.
        num_patches: Rows; 0 where it could not be read.
        encoding: Encoder and width; None where it could not be read.
        digest: Hash of its data; empty where it could not be read.
        step_um: Lattice step in um; NaN where unknown.
    """

    name: str
    faults: tuple[Fault, ...]
    num_patches: int = 0
    encoding: Encoding | None = None
    digest: str = ""
    step_um: float = math.nan


def look(path: Path) -> Look:
    """Read a file once, in blocks, and build the edges of its graph; features are not kept.

    Args:
        path: What ``read_features`` takes.
    """
    try:
        survey = survey_features(path)
    except (WsigraphError, OSError) as error:
        told = str(error).removeprefix(f"Feature file '{path}': ")
        return Look(path.name, (Fault(_reason(told), path.name, told),))
    features = survey.features
    lattice = lattice_of(features)
    faults = [*_data_faults(path.name, survey), *graph_faults(path.name, features, lattice)]
    return Look(
        path.name,
        tuple(faults),
        len(features),
        Encoding(survey.in_channels, features.encoder, features.patch_px),
        survey.digest,
        lattice.step * features.mpp,
    )


def _reason(text: str) -> str:
    """Which fault an error of the readers is."""
    return next((name for words, name in REASONS if words in text), "unreadable")


def _data_faults(name: str, survey: Survey) -> list[Fault]:
    count, faults = len(survey.features), []
    if survey.stored_digest and survey.stored_digest != survey.digest:
        told = f"sha256 {survey.digest[:12]}..., written with {survey.stored_digest[:12]}..."
        faults.append(Fault("altered", name, told))
    if survey.nonfinite:
        rows = ", ".join(map(str, survey.first_nonfinite)) + ", ..." * (
            survey.nonfinite > len(survey.first_nonfinite)
        )
        faults.append(Fault("nan", name, f"{survey.nonfinite} of {count} rows (row {rows})"))
    if count > 1 and survey.constant:
        faults.append(Fault("same_rows", name, f"all {count} rows are the same"))
    if survey.row_by_row:
        faults.append(Fault("row_by_row", name, f"{count} chunks of one row", "warning"))
    return faults
