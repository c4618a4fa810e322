"""Outlines of slides: GeoJSON in every form, ASAP with what was drawn out, refused when broken."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wsigraph.errors import SlideError
from wsigraph.io.atomic import write_json, write_text
from wsigraph.io.outline_file import read_outline_folder, read_outlines

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]
FAR = [[20, 20], [30, 20], [25, 30]]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE]]},
            "properties": {},
        },
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}},
                {"type": "Feature", "geometry": None},
                {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [SQUARE, HOLE]}},
            ],
        },
        [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [SQUARE, HOLE]}}],
    ],
)
def test_outlines_of_every_form_of_geojson(tmp_path, given):
    write_json(tmp_path / "a.geojson", given)
    found = read_outlines(tmp_path / "a.geojson")
    points = np.array([[1.0, 1.0], [5.0, 5.0], [11.0, 1.0], [9.0, 9.0]])
    assert found.contain(points).tolist() == [True, False, False, True]


def test_a_folder_of_outlines_goes_by_slide(tmp_path):
    for name, rings in {"s1": [SQUARE], "s2": [FAR]}.items():
        write_json(tmp_path / f"{name}.geojson", {"type": "Polygon", "coordinates": rings})
    found = read_outline_folder(tmp_path)
    assert list(found) == ["s1", "s2"]
    assert found["s2"].box.x == 20
    with pytest.raises(SlideError, match=r"expected files <slide_id>\.geojson or <slide_id>\.xml, got none"):
        read_outline_folder(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "a readable GeoJSON or ASAP file"),
        (json.dumps({"type": "Topology"}), "GeoJSON features or geometries, got type 'Topology'"),
        (json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}), "at least 3 corners"),
        (json.dumps({"type": "Polygon", "coordinates": [[[0, 0], ["a", 1], [2, 2]]]}), "rings of"),
    ],
)
def test_broken_outlines_are_refused(tmp_path, text, sentence):
    write_text(tmp_path / "a.geojson", text)
    with pytest.raises(SlideError, match=sentence):
        read_outlines(tmp_path / "a.geojson")


def annotation(ring, group, kind="Polygon"):
    corners = "".join(f'<Coordinate Order="{i}" X="{x}.5" Y="{y}" />' for i, (x, y) in enumerate(ring))
    told = f'Name="a" Type="{kind}" PartOfGroup="{group}" Color="#F4FA58"'
    return f"<Annotation {told}><Coordinates>{corners}</Coordinates></Annotation>"


def test_asap_annotations_are_read_with_what_was_drawn_out_of_them(tmp_path):
    parts = [annotation(SQUARE[:-1], "_0"), annotation(HOLE[:-1], "_2"), annotation(FAR, "Tumor")]
    parts += [annotation([[50, 50]], "_0", kind="Dot")]
    body = f"<ASAP_Annotations><Annotations>{''.join(parts)}</Annotations></ASAP_Annotations>"
    write_text(tmp_path / "a.xml", f'<?xml version="1.0"?>{body}')
    found = read_outline_folder(tmp_path)["a"]
    points = np.array([[1.0, 1.0], [5.0, 5.0], [25.0, 22.0], [50.0, 50.0], [0.2, 1.0]])
    assert found.contain(points).tolist() == [True, False, True, False, False]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<a>", "a readable GeoJSON or ASAP file"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a/>', "XML without a document type, got one"),
        (annotation([[0, 0], [1, 1]], "_0"), "at least 3 corners"),
    ],
)
def test_broken_annotations_are_refused(tmp_path, text, sentence):
    write_text(tmp_path / "a.xml", text)
    with pytest.raises(SlideError, match=sentence):
        read_outlines(tmp_path / "a.xml")
