"""``python -m wsigraph``."""

from __future__ import annotations

from wsigraph.cli import main

main()
