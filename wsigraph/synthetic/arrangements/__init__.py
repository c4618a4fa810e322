"""Arrangements of synthetic tissue: the same patches, laid out in two ways each."""
