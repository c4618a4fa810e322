"""Features and coordinates as arrays with names, which several kinds of files can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from wsigraph.io.features.beside import number
from wsigraph.io.features.format import NO_COORDS, RawFeatures

FEATURES = ("features", "feats", "x", "embeddings")
COORDS = ("coords", "coordinates")
FACTS = ("patch_size_level0", "step_level0", "mpp", "target_mpp")


def holds_features(names: Iterable[str]) -> bool:
    """Whether one of the names is that of features."""
    return any(name in FEATURES for name in names)


def from_names(names: Iterable[str], read: Callable[[str], np.ndarray]) -> RawFeatures:
    """Features, coordinates where there are any, and single numbers with the names of facts.

    Args:
        names: Names of all arrays.
        read: Reads one of them.
    """
    names = set(names)
    x = read(next(name for name in FEATURES if name in names))
    found = [name for name in COORDS if name in names]
    facts = {name: number({name: _single(read(name))}, name) for name in FACTS if name in names}
    if not found:
        return RawFeatures(x, NO_COORDS, facts, ("the file has no coordinates",))
    notes = () if "mpp" in facts else ("the file does not state mpp: distances in um are unknown",)
    return RawFeatures(x, read(found[0]), facts, notes)


def _single(values: np.ndarray) -> float | None:
    return float(values.ravel()[0]) if values.size == 1 else None
