"""Which slides of a manifest are trained on, before anything trains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from wsigraph.io.cohort import Cohort


def show_join(cohort: Cohort) -> None:
    """A table on stderr: slides by state, counted and by name, and how many there are of each class."""
    from wsigraph.io.join import STATES, UNMATCHED, UNUSED

    if cohort.join is None:
        return
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("manifest and feature files")
    table.add_column("slides", justify="right")
    table.add_column("names", overflow="fold")
    for state, count in cohort.join.counts.items():
        colour = "yellow" if count and state in (UNMATCHED, UNUSED) else "default"
        table.add_row(STATES[state], f"[{colour}]{count}[/]", escape(cohort.join.listed(state)))
    if cohort.task.one_class and cohort.classes:
        found = Counter(cohort.labels)
        told = ", ".join(f"{name} {found[name]}" for name in cohort.classes)
        table.add_row("Classes", str(len(cohort.classes)), escape(told))
    table.add_row("Patients", str(len(set(cohort.patients))), "")
    Console(stderr=True, highlight=False).print(table)
