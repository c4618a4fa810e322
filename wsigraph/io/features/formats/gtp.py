"""The layout of GTP: a folder for each slide."""

from __future__ import annotations

import re

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.beside import same_rows
from wsigraph.io.features.finder import GTP_FILE
from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.opened import GuardedFolder
from wsigraph.io.features.tensors import open_tensors

PLACES = "c_idx.txt"
LINE = re.compile(r"(\d{1,9})_(\d{1,9})(?:\.[A-Za-z]{1,5})?")
LARGEST_PLACES = 2**26


class Gtp(FeatureFormat[GuardedFolder], name="gtp"):
    """``features.pt`` with ``c_idx.txt``, whose lines ``x_y.jpeg`` number the tiles of a grid.

    Places are numbers of tiles, not pixels: coordinates here are in tiles, the step is 1, and no length is
    known. ``adj_s.pt`` is not read, since edges are built anew.

    Units: tiles.
    Raises: FeatureFileError: if a line is no place, or there are more or fewer than rows of features.
    """

    opens = GuardedFolder
    priority = 50

    def matches(self, file: GuardedFolder) -> bool:
        """By the name of the tensor."""
        return (file.path / GTP_FILE).is_file()

    def read(self, file: GuardedFolder) -> RawFeatures:
        """Features, and the places of tiles where they are written."""
        with open_tensors(file.path / GTP_FILE) as tensors:
            if tensors.single is None:
                raise FeatureFileError(expected(tensors.where, "one tensor", tensors.summary()))
            x = tensors.read()
        places = file.path / PLACES
        if not places.is_file():
            return RawFeatures(x, NO_COORDS, {}, (f"no coordinates: '{PLACES}' is not there",))
        coords = _places(file)
        same_rows(file.where, len(x) if x.ndim else 0, coords, places)
        facts = {"step_level0": 1.0, "patch_size_level0": 1.0, "level0_known": False}
        return RawFeatures(x, coords, facts, ("coordinates number the tiles of a grid: lengths are unknown",))


def _places(file: GuardedFolder) -> np.ndarray:
    path = file.path / PLACES
    if path.stat().st_size > LARGEST_PLACES:
        raise FeatureFileError(
            expected(
                file.where, f"'{PLACES}' of at most {LARGEST_PLACES:,} bytes", f"{path.stat().st_size:,}"
            )
        )
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FeatureFileError(expected(file.where, f"'{PLACES}' of text", f"{error}")) from error
    found = [LINE.fullmatch(line) for line in lines]
    bad = [line for line, match in zip(lines, found, strict=True) if match is None]
    if bad:
        raise FeatureFileError(
            expected(
                file.where, f"lines 'x_y.jpeg' in '{PLACES}'", f"{bad[0][:60]!r} and {len(bad) - 1} more"
            )
        )
    return np.array([[int(m[1]), int(m[2])] for m in found if m], dtype=np.int64).reshape(-1, 2)
