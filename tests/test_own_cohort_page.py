"""The page on a lab's own cohort shows commands that exist, with options that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer

from wsigraph.cli.app import build

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "own_cohort.md").read_text(encoding="utf-8")


def test_every_command_is_understood():
    commands = re.findall(r"^\$ wsigraph (.+)$", PAGE, flags=re.M)
    assert len(commands) >= 7
    verbs = typer.main.get_command(build()).commands
    for line in commands:
        verb, *words = shlex.split(line)
        rest = verbs[verb].make_context(verb, list(words)).params.get("words") or []
        if rest:  # slurm
            verbs[rest[0]].make_context(rest[0], list(rest[1:]))


def test_every_linked_and_measured_file_exists():
    linked = re.findall(r"\]\(([^)#]+)\)", PAGE)
    measured = re.findall(r"`(benchmarks/\S+)`", PAGE)
    assert linked
    assert measured
    for file in (*(DOCS / target for target in linked), *(DOCS.parent / target for target in measured)):
        assert file.exists(), file
