"""Exit codes: 0 done, 1 some slides failed, 2 wrong use, 3 nothing succeeded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import typer

from wsigraph.cli.screen import complain
from wsigraph.errors import (
    CohortError,
    MissingExtraError,
    RecipeError,
    SeveralSetsError,
    TilingError,
    WsigraphError,
)

DONE, SOME, WRONG, NOTHING = 0, 1, 2, 3

WRONG_USE = (CohortError, MissingExtraError, RecipeError, SeveralSetsError, TilingError)
"""Errors about what was asked for; the others are about what was found."""


def code_of(error: WsigraphError) -> int:
    """The exit code of an error that ended the command."""
    return WRONG if isinstance(error, WRONG_USE) else NOTHING


def leave(done: int, failed: Mapping[str, str], *, said: Iterable[str] = (), of: str = "slide") -> None:
    """Name each failed slide with its reason and leave with the code that tells how much succeeded.

    Args:
        done: How many succeeded, those that were whole already included.
        failed: Reason by slide.
        said: Lines that the job said on its way; a reason among them is not repeated.
        of: What is counted.
    """
    told = "\n".join(said)
    for slide, reason in failed.items():
        if reason not in told:
            complain(f"{slide}: {reason}", word="failed")
    if failed:
        complain(f"{len(failed)} {of if len(failed) == 1 else of + 's'}", word="failed")
        raise typer.Exit(SOME if done else NOTHING)
