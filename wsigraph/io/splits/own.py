"""Our file ``splits.json``: every split by the names of its slides, and the manifest they were drawn for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.splits.named import SIDES, NamedSplit, SplitSet

NAME: Final = "splits.json"
_VERSION: Final = 1


def write_own(found: SplitSet, path: Path) -> None:
    """Write ``splits.json``."""
    write_json(
        path,
        {
            "wsigraph_splits": _VERSION,
            "kind": found.kind,
            "manifest": {"name": found.manifest, "sha256": found.sha256},
            "checked": list(found.checked),
            "overlap": list(found.overlap),
            "splits": [
                {"repeat": split.repeat, "fold": split.fold, **{k: list(v) for k, v in split.sides.items()}}
                for split in found.splits
            ],
        },
    )


def read_own(path: Path) -> SplitSet:
    """Read ``splits.json``.

    Raises: CohortError: if it is no such file, or of a later version.
    """
    where = f"Splits '{path}'"
    try:
        told = read_json(path)
    except (OSError, ValueError) as error:
        raise CohortError(expected(where, "a file of splits", f"{error}")) from error
    if not isinstance(told, Mapping) or told.get("wsigraph_splits") != _VERSION:
        got = told.get("wsigraph_splits") if isinstance(told, Mapping) else type(told).__name__
        raise CohortError(expected(where, f"wsigraph_splits {_VERSION}", f"{got}"))
    try:
        splits = tuple(_split(row) for row in told["splits"])
        manifest = {key: str(told["manifest"][key]) for key in ("name", "sha256")}
        kind = str(told["kind"])
        checked, overlap = (tuple(map(str, told[key])) for key in ("checked", "overlap"))
    except (KeyError, TypeError, ValueError) as error:
        what = "kind, manifest, checked, overlap and splits with repeat, fold, train, val and test"
        raise CohortError(expected(where, what, f"{type(error).__name__}: {error}")) from error
    return SplitSet(splits, where, kind, manifest["name"], manifest["sha256"], checked, overlap)


def _split(row: Any) -> NamedSplit:
    sides = [row[side] for side in SIDES]
    if not all(isinstance(side, list) and all(isinstance(name, str) for name in side) for side in sides):
        raise TypeError("a side is no list of names")
    if not all(isinstance(row[key], int) and row[key] >= 0 for key in ("repeat", "fold")):
        raise ValueError("repeat and fold count from 0")
    return NamedSplit(row["repeat"], row["fold"], *map(tuple, sides))
