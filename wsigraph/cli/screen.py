"""What goes where: results on stdout, everything for a person's eyes on the way on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def complain(text: str, *, word: str = "error") -> None:
    """One line on stderr with a red first word."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]{word}:[/] {escape(text)}")


def emit_json(value: Any) -> None:
    """One JSON object on stdout."""
    from wsigraph.io.atomic import json_text

    sys.stdout.write(json_text(value))


def emit(text: str) -> None:
    """Text on stdout, as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout; columns of numbers stand right."""
    rows = list(rows)
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        right = all(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(show(cell)) for cell in row))
    Console().print(table)


def emit_pairs(values: Mapping[str, Any], *, title: str = "") -> None:
    """Names and values on stdout, one pair per line."""
    if title:
        emit(title)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(escape(name.replace("_", " ")), escape(show(value)))
    Console().print(table)


def emit_finding(kind: str, title: str, lines: Iterable[str], *, todo: str = "") -> None:
    """A finding on stdout: its kind in colour and its title, a line for each place, and what to do."""
    console = Console(soft_wrap=True, highlight=False)
    colour = "red" if kind == "fault" else "yellow"
    console.print(f"[bold {colour}]{kind}:[/] {escape(title)}")
    for line in lines:
        console.print(f"  {escape(line)}")
    if todo:
        console.print(f"  [bold]-> {escape(todo)}[/]")


def show(value: Any) -> str:
    """A value as a person wants to read it: few digits, no brackets."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(show, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {show(item)}" for name, item in value.items()) or "none"
    return str(value)


def interval(metric: Mapping[str, Any] | None) -> str:
    """A metric with its interval: ``0.93 [0.88, 0.97]``; a dash where it is not defined."""
    if not metric or metric.get("value") is None or math.isnan(metric["value"]):
        return "-"
    low, high = metric.get("low"), metric.get("high")
    spread = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{metric['value']:.3f}{spread}"
