"""Coordinates that a tool keeps in another file than the features."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.finder import slide_name
from wsigraph.io.features.guard import open_guarded


def patches_file(path: Path) -> Path | None:
    """CLAM's ``patches/<slide>.h5`` or TRIDENT's ``patches/<slide>_patches.h5`` of a feature file.

    It is looked for beside the folder of features and one folder further up, where nothing else can be meant.
    """
    slide = slide_name(path)
    for folder in (path.parent.parent / "patches", path.parent.parent.parent / "patches"):
        for name in (f"{slide}.h5", f"{slide}_patches.h5"):
            if (folder / name).is_file():
                return folder / name
    return None


def read_patches(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Coordinates of a file of patches, and the attributes on them.

    Raises: FeatureFileError: if it is broken or has no ``coords``.
    """
    with open_guarded(path) as file:
        if "coords" not in file.datasets:
            raise FeatureFileError(expected(file.where, "'coords'", file.summary()))
        return file.read("coords"), file.attributes("coords")


def same_rows(where: str, rows: int, coords: np.ndarray, path: Path) -> None:
    """Refuse coordinates of another number of patches than there are features.

    Raises: FeatureFileError: naming both files.
    """
    if len(coords) != rows:
        raise FeatureFileError(
            expected(
                where,
                f"{rows} coordinates in '{path}', one for each row of features",
                f"{len(coords)}",
                todo="Features and coordinates must come from the same run.",
            )
        )


def clam_facts(attributes: dict[str, Any]) -> dict[str, Any]:
    """Patch size in level-0 pixels and as encoded, from the attributes of CLAM's ``coords``."""
    downsample = np.ravel(attributes.get("downsample", math.nan))
    pixels = number(attributes, "patch_size")
    stated = number(attributes, "patch_size_level0")
    size = stated if stated > 0 else pixels * float(downsample[0] if downsample.size else math.nan)
    return {
        "patch_size_level0": size if size > 0 else math.nan,
        "patch_px": int(pixels) if pixels > 0 else 0,
    }


def number(facts: dict[str, Any], name: str) -> float:
    """A positive attribute as a number, NaN where it is absent, ``'None'``, out of all proportion or none."""
    try:
        value = float(facts.get(name, math.nan))
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return value if 0 < value < LARGEST else math.nan


LARGEST = 2.0**31
"""No side of a patch, step or mpp reaches it: a larger number is damage."""
