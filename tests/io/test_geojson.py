"""GeoJSON: squares in the right place, of the right size, turning the right way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wsigraph.data.heatmap import Heatmap
from wsigraph.io.geojson import write_geojson


def area(ring) -> float:
    x, y = np.array(ring[:-1], dtype=float).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


@pytest.mark.parametrize("side", [256.0, 409.6])
def test_each_patch_is_one_closed_square_with_its_value(tmp_path, side):
    coords = np.array([[0.0, 0.0], [1024.0, 512.0], [-51.5, 70000.0]])
    values, raw = np.array([0.0, 50.0, 100.0]), np.array([0.1, 0.2, 0.7])
    path = tmp_path / "A1.geojson"
    write_geojson(path, Heatmap("A1", values, raw, coords, side, 0.25, "test"))
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["type"] == "FeatureCollection"
    assert len(found["features"]) == 3
    for i, feature in enumerate(found["features"]):
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Polygon"
        (ring,) = feature["geometry"]["coordinates"]
        assert len(ring) == 5
        assert ring[0] == ring[-1] == coords[i].tolist()
        assert area(ring) == pytest.approx(side**2)  # positive: the orientation of RFC 7946
        assert np.ptp(np.array(ring), axis=0) == pytest.approx([side, side])
        assert feature["properties"]["objectType"] == "tile"
        assert feature["properties"]["measurements"] == {"value": values[i], "raw": raw[i]}


def test_whole_pixels_are_written_as_integers(tmp_path):
    path = tmp_path / "A1.geojson"
    write_geojson(path, Heatmap("A1", np.ones(1), np.ones(1), np.array([[512.0, 0.0]]), 256.0, 0.25, "test"))
    assert "[[512,0],[768,0],[768,256],[512,256],[512,0]]" in path.read_text(encoding="utf-8")
