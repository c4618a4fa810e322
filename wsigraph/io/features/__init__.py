"""Feature files: our writer, a guarded reader, one file per layout."""

from wsigraph.io.features.reader import read_features
from wsigraph.io.features.writer import features_hash, verify_features, write_features

__all__ = ["features_hash", "read_features", "verify_features", "write_features"]
