"""Graph builders, one file each; the family is defined in ``wsigraph.graph.base``."""
