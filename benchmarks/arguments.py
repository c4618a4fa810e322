"""Lists on the command line of a study."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """A parser of ``A,B`` that refuses names which are not known."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        wrong = sorted(set(names) - set(known))
        if wrong:
            raise argparse.ArgumentTypeError(f"expected names of {list(known)}, got {wrong}")
        return names

    return parse


def numbers(text: str) -> list[int]:
    """``"0-2,5"`` -> ``[0, 1, 2, 5]``."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
