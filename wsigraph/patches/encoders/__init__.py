"""Patch encoders: one file each, registered in ``wsigraph.patches.encoder``."""
