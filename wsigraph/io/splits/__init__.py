"""Files of splits: ours, which know their manifest, and those of CLAM and Patho-Bench."""

from wsigraph.io.splits.for_cohort import splits_for
from wsigraph.io.splits.named import NamedSplit, SplitSet
from wsigraph.io.splits.read import read_splits
from wsigraph.io.splits.write import write_splits

__all__ = ["NamedSplit", "SplitSet", "read_splits", "splits_for", "write_splits"]
