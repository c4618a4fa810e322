"""Polygons drawn on a slide: GeoJSON as QuPath writes it, XML as ASAP and the CAMELYON challenges do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from wsigraph.errors import SlideError, expected
from wsigraph.evaluation.outlines import Outlines

HOLES = ("_2", "exclusion")
"""Groups of ASAP annotations that are taken out again: CAMELYON16 calls them ``_2``."""


def read_outlines(path: str | Path) -> Outlines:
    """Outlines of one slide, from ``.geojson`` or ``.xml``.

    GeoJSON: a FeatureCollection, one Feature, a list of Features or a bare geometry, each a Polygon or a
    MultiPolygon; the first ring of a polygon is solid, the others are its holes. Points and lines enclose
    nothing and are left out. ASAP: every annotation with corners is solid but those of the groups ``_2`` and
    ``Exclusion``, which are holes.

    Units: level-0 pixels, y downwards.
    Raises: SlideError: if the file is neither, or a ring has fewer than three corners.
    """
    path = Path(path)
    where = f"Outlines '{path}'"
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".xml":
            return _of_asap(text, where)
        given = json.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ElementTree.ParseError) as error:
        raise SlideError(expected(where, "a readable GeoJSON or ASAP file", f"{error}")) from error
    solid, holes = [], []
    for rings in _polygons(given, where):
        first, *others = [_ring(ring, where) for ring in rings]
        solid.append(first)
        holes += others
    return Outlines.of(solid, holes)


def read_outline_folder(folder: str | Path) -> dict[str, Outlines]:
    """Outlines of all slides of a folder, ``<slide_id>.geojson`` or ``<slide_id>.xml``, by slide.

    Raises: SlideError: if there is none, or one cannot be read.
    """
    files = sorted((*Path(folder).glob("*.geojson"), *Path(folder).glob("*.xml")))
    if not files:
        what = "files <slide_id>.geojson or <slide_id>.xml"
        raise SlideError(expected(f"Outlines in '{folder}'", what, "none"))
    return {file.stem: read_outlines(file) for file in files}


def _of_asap(text: str, where: str) -> Outlines:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities can grow without bound
        raise SlideError(expected(where, "XML without a document type", "one"))
    solid: list[np.ndarray] = []
    holes: list[np.ndarray] = []
    for annotation in ElementTree.fromstring(text).iter("Annotation"):
        corners = [(one.get("X"), one.get("Y")) for one in annotation.iter("Coordinate")]
        if corners and annotation.get("Type", "") not in ("Dot", "PointSet"):
            hole = annotation.get("PartOfGroup", "").lower() in HOLES
            (holes if hole else solid).append(_ring(corners, where))
    return Outlines.of(solid, holes)


def _polygons(given: Any, where: str) -> Iterator[list[Any]]:
    """The rings of each polygon."""
    if isinstance(given, list):
        for one in given:
            yield from _polygons(one, where)
        return
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "FeatureCollection":
        yield from _polygons(given.get("features") or [], where)
    elif kind == "Feature":
        yield from _polygons(given.get("geometry") or {"type": "Point"}, where)
    elif kind == "GeometryCollection":
        yield from _polygons(given.get("geometries") or [], where)
    elif kind == "Polygon":
        yield given["coordinates"]
    elif kind == "MultiPolygon":
        yield from given["coordinates"]
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise SlideError(expected(where, "GeoJSON features or geometries", f"type {kind!r}"))


def _ring(ring: Any, where: str) -> np.ndarray:
    try:
        corners = np.array([corner[:2] for corner in ring], np.float64)
    except (TypeError, ValueError, IndexError) as error:
        raise SlideError(expected(where, "rings of (x, y)", f"'{error}'")) from error
    if corners.ndim != 2 or corners.shape[1:] != (2,) or len(corners) < 3:
        raise SlideError(expected(where, "rings of at least 3 corners (x, y)", f"{list(corners.shape)}"))
    return corners
