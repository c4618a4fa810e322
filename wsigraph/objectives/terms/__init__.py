"""Terms of the loss, one file each; the family is defined in ``wsigraph.objectives.base``."""
