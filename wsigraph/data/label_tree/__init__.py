"""Classes in levels, coarse to fine: the tree itself, ways to make one, and probabilities over it."""

from wsigraph.data.label_tree.tree import LabelTree

__all__ = ["LabelTree"]
