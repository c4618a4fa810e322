"""Slide ids are checked before they become paths."""

from __future__ import annotations

import re

from wsigraph.errors import CohortError, expected

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()@=,-]{0,199}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))}


def check_id(slide_id: str, *, where: str = "Slide id") -> str:
    """Return ``slide_id`` if it is safe as a file name on every platform.

    Raises: CohortError: for separators, ``..``, control characters, reserved or over-long names.
    """
    stem = slide_id.split(".", 1)[0].lower()
    if not _SAFE.fullmatch(slide_id) or ".." in slide_id or stem in _RESERVED or slide_id[-1] in " .":
        raise CohortError(
            expected(
                where,
                "letters, digits and . _ - + = @ , ( ) up to 200 characters, without '..'",
                f"{slide_id[:80]!r}",
                todo="Rename the slide or mend the manifest.",
            )
        )
    return slide_id
