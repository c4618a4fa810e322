"""Feature files: our writer, guarded readers, one file per layout, and how a slide's file is found."""

from wsigraph.io.features.finder import feature_files, find_features
from wsigraph.io.features.reader import read_features
from wsigraph.io.features.writer import features_hash, verify_features, write_features

__all__ = [
    "feature_files",
    "features_hash",
    "find_features",
    "read_features",
    "verify_features",
    "write_features",
]
