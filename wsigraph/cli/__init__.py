"""The command line: verbs that parse, call and print; no logic."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``wsigraph`` with ``arguments`` (those of the process if None) and leave with its exit code."""
    from wsigraph.cli.app import run

    sys.exit(run(arguments))
