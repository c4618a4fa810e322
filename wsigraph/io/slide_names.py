"""Names of slides, as a manifest and as a folder of features write them: which mean the same, and why not."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

SLIDE_SUFFIXES = (
    *(".svs", ".ndpi", ".tiff", ".tif", ".mrxs", ".scn", ".svslide", ".bif", ".vms", ".vmu", ".czi", ".dcm"),
    *(".qptiff", ".isyntax", ".png", ".jpg", ".jpeg"),
)
_UUID = re.compile(r"\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_OME = ".ome"


def bare(name: str) -> str:
    """A name without the suffix of a slide (``.svs``, ``.ome.tiff``) and without the UUID of TCGA's files."""
    for suffix in SLIDE_SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
            break
    if name.lower().endswith(_OME) and len(name) > len(_OME):
        name = name[: -len(_OME)]
    return _UUID.sub("", name)


@dataclass(frozen=True)
class Names:
    """Names on one side, looked up from the other.

    Args:
        known: The names.
    """

    known: tuple[str, ...]
    _exact: frozenset[str] = field(init=False, repr=False)
    _bare: Mapping[str, list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", frozenset(self.known))
        object.__setattr__(self, "_bare", _grouped(self.known, bare))

    def same_as(self, name: str) -> str | None:
        """The name that means the same slide: itself, else the only one that is the same when bare."""
        if name in self._exact:
            return name
        alike = self._bare.get(bare(name), [])
        return alike[0] if len(alike) == 1 else None


def likely_causes(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Why names that stand on one side only may have no partner, as far as names tell.

    Args:
        names: Names on this side.
        others: Names on the other side that have no partner either.

    Returns: A sentence part by name; empty where nothing on the other side resembles it.
    """
    there = sorted(others)
    by_bare, by_case = _grouped(there, bare), _grouped(there, lambda name: bare(name).lower())
    found = {}
    for name in names:
        alike = by_bare.get(bare(name), [])
        cased = by_case.get(bare(name).lower(), [])
        longer, shorter = _longer(name, there), _shorter(name, frozenset(there))
        if len(alike) > 1:
            found[name] = f"several could be meant: {_quoted(alike)}"
        elif cased:
            found[name] = f"'{cased[0]}' differs by upper and lower case"
        elif longer:
            found[name] = f"'{longer}' goes on with '{longer[len(name) :]}'"
        elif shorter:
            found[name] = f"'{shorter}' lacks '{name[len(shorter) :]}'"
        else:
            found[name] = ""
    return found


def _grouped(names: Iterable[str], form: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(form(name), []).append(name)
    return groups


def _longer(name: str, there: list[str]) -> str:
    """The first other name that goes on after this one: ``A`` and ``A_patches``; not ``A1`` and ``A10``."""
    for other in there[bisect_left(there, name) :]:
        if not other.startswith(name):
            return ""
        if len(other) > len(name) and not other[len(name)].isalnum():
            return other
    return ""


def _shorter(name: str, there: frozenset[str]) -> str:
    """The longest other name after which this one goes on."""
    ends = (i for i in range(len(name) - 1, 0, -1) if not name[i].isalnum())
    return next((name[:i] for i in ends if name[:i] in there), "")


def _quoted(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + more
