"""Read a feature file of any supported layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError, expected
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile, open_guarded


def read_features(
    path: str | Path, *, slide_id: str | None = None, drop_nonfinite: bool = False
) -> PatchFeatures:
    """Features and coordinates of one slide; the layout is found from the content.

    Args:
        path: HDF5 file of wsigraph, TRIDENT or CLAM.
        slide_id: Name of the slide; by default what the file states, else the file's stem.
        drop_nonfinite: Leave out patches with NaN or inf (counted in ``notes``) instead of refusing them.

    Units: level-0 pixels for coordinates.
    Raises: FeatureFileError: if the file is broken, hostile, empty or in no known layout.
        FeatureError: on mismatched lengths, NaN or inf, or impossible coordinates.
    """
    with open_guarded(path) as file:
        return read_opened(file, slide_id=slide_id, drop_nonfinite=drop_nonfinite)


def read_opened(
    file: GuardedFile, *, slide_id: str | None = None, drop_nonfinite: bool = False
) -> PatchFeatures:
    """``read_features`` of an open file; ``survey_features`` opens it in another way."""
    layout = _layout_of(file)
    if 0 in file.shape("features"):
        raise FeatureFileError(
            expected(
                file.where,
                "at least one patch",
                f"features of shape {list(file.shape('features'))}: an empty slide",
                todo="Leave this slide out, or find its tissue again.",
            )
        )
    raw = layout.read(file)
    name = slide_id or raw.facts.get("slide_id") or file.path.stem
    facts = {**raw.facts, "slide_id": name, "source": layout.name}
    return layout.mend(_checked(raw, facts, file.where, drop_nonfinite=drop_nonfinite))


def _layout_of(file: GuardedFile) -> FeatureFormat:
    registry = FeatureFormat.registry
    layouts = sorted((registry.get(name) for name in registry.names()), key=lambda part: part.priority)
    for part in layouts:
        layout: FeatureFormat = part()
        if layout.matches(file):
            return layout
    found = {name: list(file.shape(name)) for name in file.datasets}
    if "features" in found and "coords" not in found:
        what, todo = "'coords' beside 'features'", "A graph needs coordinates: write them when encoding."
    else:
        what = "'features' and 'coords'"
        todo = f"Unknown layout: readers exist for {registry.names()}."
    raise FeatureFileError(expected(file.where, what, f"datasets {found}", todo=todo))


def _checked(raw: RawFeatures, facts: dict[str, Any], where: str, *, drop_nonfinite: bool) -> PatchFeatures:
    x, notes = raw.x, raw.notes
    if x.ndim == 3 and x.shape[0] == 1:  # a batch axis of one that some encoders leave
        x = x[0]
    if x.dtype not in (np.float16, np.float32):
        x = x.astype(np.float32)
    coords = _whole_pixels(raw.coords, where)
    if drop_nonfinite and x.ndim == 2 and len(coords) == len(x):
        keep = np.isfinite(x).all(axis=1)
        dropped = int((~keep).sum())
        if dropped:
            notes = (*notes, f"{dropped} of {len(x)} patches left out for NaN or inf features")
            x, coords = x[keep], coords[keep]
        if not len(x):
            raise FeatureError(expected(where, "at least one patch with finite features", "none"))
    try:
        return PatchFeatures(x=x, coords=coords, notes=notes, **facts)
    except FeatureError as error:
        raise FeatureError(f"{error} File: '{where.split(chr(39))[1]}'.") from error


def _whole_pixels(coords: np.ndarray, where: str) -> np.ndarray:
    """Coordinates as int64; fractions are refused, since they are not level-0 pixels."""
    if coords.dtype.kind == "u" and coords.size and int(coords.max()) > np.iinfo(np.int64).max:
        raise FeatureError(expected(where, "coords in level-0 pixels", f"{int(coords.max())}"))
    if coords.dtype.kind == "f" and not _whole(coords):
        raise FeatureError(
            expected(
                where,
                "coords in whole level-0 pixels",
                "NaN, inf or fractions",
                todo="Coordinates in um must be divided by the slide's mpp first.",
            )
        )
    return coords.astype(np.int64)


def _whole(coords: np.ndarray) -> bool:
    return bool(np.isfinite(coords).all() and (np.abs(coords) <= 2**53).all() and (coords % 1 == 0).all())
