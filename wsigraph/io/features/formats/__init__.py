"""Layouts of feature files, one file each; the family is defined in ``wsigraph.io.features.format``."""
