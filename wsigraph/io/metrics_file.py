"""``metrics.json``: what ``wsigraph.evaluation.summary.summarise`` found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import read_json, write_json

_PARTS = ("slide", "patient", "per_class")


def write_metrics(path: str | Path, metrics: Mapping[str, Any]) -> None:
    """Write metrics as JSON; undefined numbers (NaN) become null.

    Raises: RunError: if a part is missing.
    """
    _check(path, metrics)
    write_json(path, dict(metrics))


def read_metrics(path: str | Path) -> dict[str, Any]:
    """Read metrics; null becomes NaN again.

    Raises: RunError: if the file is no ``metrics.json``.
    """
    try:
        found = read_json(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunError(expected(f"Metrics '{path}'", "a readable JSON file", f"{error}")) from error
    _check(path, found)
    return _with_nan(found)


def _check(path: str | Path, metrics: Any) -> None:
    parts = list(metrics) if isinstance(metrics, Mapping) else type(metrics).__name__
    if not isinstance(metrics, Mapping) or not set(_PARTS) <= set(metrics):
        raise RunError(expected(f"Metrics '{path}'", f"an object with {list(_PARTS)}", f"{parts}"))


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    return math.nan if value is None else value
