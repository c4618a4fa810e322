"""Which slides of a manifest have features, which do not, and which features no row names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from wsigraph.io.atomic import write_text
from wsigraph.io.slide_names import likely_causes

MATCHED, UNLABELLED, UNMATCHED, UNUSED = "matched", "unlabelled", "no features", "no manifest row"
STATES: Mapping[str, str] = MappingProxyType(
    {
        MATCHED: "Slides with features, used",
        UNLABELLED: "Slides with features, without a label",
        UNMATCHED: "In the manifest, without features",
        UNUSED: "Features that no row of the manifest names",
    }
)
"""What a slide can be, and what that means."""
SHOWN = 10


@dataclass(frozen=True)
class Join:
    """A manifest beside a folder of features.

    Args:
        states: By state, the slides that are in it, each with a remark: what its name is on the other side,
            or why it may have no partner; empty where there is nothing to say.
    """

    states: Mapping[str, Mapping[str, str]]

    @property
    def counts(self) -> dict[str, int]:
        """Slides by state."""
        return {state: len(self.states.get(state, {})) for state in STATES}

    def listed(self, state: str, *, most: int = SHOWN) -> str:
        """The first names of a state, with remarks where there is something to mend, and how many more."""
        slides = self.states.get(state, {})
        told = state != MATCHED
        first = [f"{name} ({why})" if why and told else name for name, why in list(slides.items())[:most]]
        more = [f"and {len(slides) - most} more"] if len(slides) > most else []
        return "; ".join((*first, *more))

    def to_dict(self) -> dict[str, dict[str, str]]:
        """As ``run.json`` holds it."""
        return {state: dict(self.states.get(state, {})) for state in STATES}


def join(rows: Sequence[tuple[str, str | None]], files: Iterable[str], unlabelled: Mapping[str, str]) -> Join:
    """Sort slides by what became of them.

    Args:
        rows: Of each row of the manifest the slide's id there, and the name of its features or None.
        files: Names of all features.
        unlabelled: Reason by id as in the manifest, for rows that have features and cannot be used.
    """
    taken = {name for _, name in rows if name is not None}
    alone = [given for given, name in rows if name is None]
    unused = [name for name in files if name not in taken]
    matched = {
        given: "" if given == name else f"as '{name}'"
        for given, name in rows
        if name is not None and given not in unlabelled
    }
    return Join(
        {
            MATCHED: matched,
            UNLABELLED: dict(unlabelled),
            UNMATCHED: likely_causes(alone, unused),
            UNUSED: likely_causes(unused, alone),
        }
    )


def write_join(path: str | Path, found: Join) -> None:
    """Write ``join.csv``: ``slide_id,state,remark``, a line per slide."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["slide_id", "state", "remark"])
    for state, slides in found.states.items():
        table.writerows([name, state, why] for name, why in slides.items())
    write_text(path, text.getvalue())
