"""Patch networks, one file each; the family is defined in ``wsigraph.nn.patch_networks.base``."""
