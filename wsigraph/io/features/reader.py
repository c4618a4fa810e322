"""Read a feature file of any supported layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError, expected
from wsigraph.io.features.finder import slide_name
from wsigraph.io.features.format import FeatureFormat, Opened, RawFeatures
from wsigraph.io.features.opened import open_features


def read_features(
    path: str | Path, *, slide_id: str | None = None, drop_nonfinite: bool = False
) -> PatchFeatures:
    """Features and coordinates of one slide; the layout is found from the content.

    Args:
        path: A feature file (``.h5``, ``.pt``, ``.npz``, ``.npy``, ``.csv``), a zarr store, or the folder of
            one slide. ``docs/features.md`` lists the layouts.
        slide_id: Name of the slide; by default what the file states, else the file's name.
        drop_nonfinite: Leave out patches with NaN or inf (counted in ``notes``) instead of refusing them.

    Returns: Features with coordinates, or without where no file has them: then ``has_coords`` is False.
    Units: level-0 pixels for coordinates.
    Raises: FeatureFileError: if the file is broken, hostile, empty or in no known layout.
        FeatureError: on mismatched lengths, NaN or inf, or impossible coordinates.
        MissingExtraError: if a compressor of the extra ``scverse`` is needed and not installed.
    """
    with open_features(path) as file:
        return read_opened(file, slide_id=slide_id, drop_nonfinite=drop_nonfinite)


def read_opened(file: Opened, *, slide_id: str | None = None, drop_nonfinite: bool = False) -> PatchFeatures:
    """``read_features`` of an open file; ``survey_features`` opens it in another way."""
    layout = _layout_of(file)
    raw = layout.read(file)
    if 0 in raw.x.shape:
        raise FeatureFileError(
            expected(
                file.where,
                "at least one patch",
                f"features of shape {list(raw.x.shape)}: an empty slide",
                todo="Leave this slide out, or find its tissue again.",
            )
        )
    name = slide_id or raw.facts.get("slide_id") or slide_name(file.path)
    facts = {**raw.facts, "slide_id": name, "source": layout.name}
    features = _checked(raw, facts, file.where, drop_nonfinite=drop_nonfinite)
    return layout.mend(features) if features.has_coords else features


def _layout_of(file: Opened) -> FeatureFormat[Any]:
    registry = FeatureFormat.registry
    layouts = sorted((registry.get(name) for name in registry.names()), key=lambda part: part.priority)
    for part in layouts:
        if isinstance(file, part.opens):
            layout: FeatureFormat[Any] = part()
            if layout.matches(file):
                return layout
    raise FeatureFileError(
        expected(
            file.where,
            "features in a known layout, such as 'features' and 'coords'",
            file.summary(),
            todo=f"Unknown layout: readers exist for {registry.names()}.",
        )
    )


def _checked(raw: RawFeatures, facts: dict[str, Any], where: str, *, drop_nonfinite: bool) -> PatchFeatures:
    x, notes = raw.x, raw.notes
    if x.ndim == 3 and x.shape[0] == 1:  # a batch axis of one that some encoders leave
        x = x[0]
    if x.dtype not in (np.float16, np.float32):
        with np.errstate(over="ignore"):  # beyond float32 is inf, which is refused by name
            x = x.astype(np.float32)
    x = x if x.flags.writeable else x.copy()  # a view of a file's bytes
    coords = _whole_pixels(raw.coords, where)
    if drop_nonfinite and x.ndim == 2 and len(coords) in (0, len(x)):
        keep = np.isfinite(x).all(axis=1)
        dropped = int((~keep).sum())
        if dropped:
            notes = (*notes, f"{dropped} of {len(x)} patches left out for NaN or inf features")
            x, coords = x[keep], coords[keep] if len(coords) else coords
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
    if coords.dtype.kind == "f" and not _whole(coords.astype(np.float64)):
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
