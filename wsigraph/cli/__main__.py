"""``python -m wsigraph.cli``."""

from __future__ import annotations

from wsigraph.cli import main

main()
