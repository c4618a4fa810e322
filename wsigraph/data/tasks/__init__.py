"""What may be asked of a slide, one file each; the family is defined in ``wsigraph.data.tasks.base``."""
