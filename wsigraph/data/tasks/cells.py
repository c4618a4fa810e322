"""Reading the cells of a manifest."""

from __future__ import annotations

import math

from wsigraph.errors import CohortError, expected

_TRUE = frozenset({"1", "1.0", "true", "yes"})
_FALSE = frozenset({"0", "0.0", "false", "no"})
_NOTHING = frozenset({"", "nan", "na", "n/a", "#n/a", "<na>", "null"})
"""What tables write where nothing is known; not 'none' or 'unknown', which may be classes."""


def is_empty(cell: str) -> bool:
    """Whether a cell says nothing."""
    return cell.lower() in _NOTHING


def number(cell: str, *, where: str, column: str) -> float:
    """A finite number.

    Raises: CohortError: if it is none.
    """
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CohortError(
            expected(where, f"a number in column '{column}'", f"'{cell}'", todo="Decimals take a point.")
        )
    return value


def yes_or_no(cell: str, *, where: str, column: str, meaning: str) -> float:
    """1 or 0 from a cell that says yes or no.

    Raises: CohortError: if it says neither.
    """
    if cell.lower() in _TRUE or cell.lower() in _FALSE:
        return float(cell.lower() in _TRUE)
    raise CohortError(expected(where, f"{meaning} in column '{column}'", f"'{cell}'"))


def split_columns(names: str) -> tuple[str, ...]:
    """``"a, b"`` -> ``("a", "b")``."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
