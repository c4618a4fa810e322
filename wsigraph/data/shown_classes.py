"""Classes that patches can show, and the one that is there where none of them is."""

from __future__ import annotations

from wsigraph.errors import RecipeError, expected


def shown_classes(num_classes: int, background: int | None, *, where: str) -> tuple[int, ...]:
    """The classes but the background.

    Args:
        num_classes: Number of classes.
        background: Class of a slide none of whose patches shows another; None where there is none such.
        where: Who asks, as errors call it.

    Raises: RecipeError: if the background is no class, or the only one.
    """
    if background is None:
        return tuple(range(num_classes))
    if not 0 <= background < num_classes or num_classes < 2:
        got = f"background {background} of {num_classes}"
        raise RecipeError(expected(where, "a background among at least 2 classes", got))
    return tuple(c for c in range(num_classes) if c != background)
