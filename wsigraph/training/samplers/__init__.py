"""Samplers, one file each; the family is defined in ``wsigraph.training.samplers.base``."""
