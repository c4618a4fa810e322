"""Coordinates become edges: one builder per file, registered in ``base``."""
