"""Heatmaps for QuPath: one square per patch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wsigraph.data.heatmap import Heatmap
from wsigraph.io.atomic import write_text


def write_geojson(path: str | Path, heatmap: Heatmap) -> None:
    """Write a GeoJSON FeatureCollection that QuPath (0.4 and later) opens by dropping it on the slide.

    Every patch is a tile object with the measurements ``value`` (as drawn) and ``raw``; in QuPath,
    Measure > Show measurement maps colours them. Rings are closed and their signed area is
    positive (RFC 7946).

    Units: level-0 pixels, y downwards, as QuPath counts.
    """
    collection = {
        "type": "FeatureCollection",
        "features": [_feature(heatmap, i) for i in range(len(heatmap.values))],
    }
    write_text(path, json.dumps(collection, separators=(",", ":"), allow_nan=False) + "\n")


def _feature(heatmap: Heatmap, index: int) -> dict[str, Any]:
    left, top = (_short(v) for v in heatmap.coords[index])
    right, bottom = (_short(v + heatmap.patch_size) for v in heatmap.coords[index])
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    measurements = {"value": float(heatmap.values[index]), "raw": float(heatmap.raw[index])}
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "tile", "name": f"patch {index}", "measurements": measurements},
    }


def _short(value: float) -> int | float:
    """Whole pixels as integers: a third of the bytes."""
    return int(value) if float(value).is_integer() else float(value)
