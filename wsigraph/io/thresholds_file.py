"""``thresholds.json``: where a run's probabilities become decisions, frozen on its validation answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.thresholds import LEVELS, Cuts
from wsigraph.io.atomic import read_json, write_json

RULE = "Youden's index on validation answers"


def write_thresholds(path: str | Path, frozen: Mapping[str, Mapping[str, Cuts]]) -> None:
    """Write thresholds by name and level."""
    named = {name: {level: cuts.to_dict() for level, cuts in own.items()} for name, own in frozen.items()}
    write_json(path, {"rule": RULE, "names": named})


def read_thresholds(path: str | Path) -> dict[str, dict[str, Cuts]]:
    """Read what ``write_thresholds`` wrote.

    Raises: RunError: if the file was cut or edited.
    """
    try:
        stored = read_json(path)["names"]
        return {name: {level: Cuts.from_dict(own[level]) for level in LEVELS} for name, own in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        todo = "Merge or train again to have it written anew."
        raise RunError(
            expected(f"Thresholds '{path}'", "a file of wsigraph", f"{error!r}", todo=todo)
        ) from error
