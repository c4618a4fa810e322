"""Whole-slide images as spatial graphs.

``import wsigraph as wg`` is quick: a name is imported when it is first used. The table of contents::

    wg.read_features  wg.write_features            feature files
    wg.to_graph  wg.KNN  wg.Window  wg.Radius      coordinates -> edges
    wg.Delaunay  wg.FeatureKNN  wg.Edgeless
    wg.recipe  wg.Recipe                           a method on a page
    wg.Cohort  wg.cohort                           your slides, and public ones by name
    wg.fit  wg.cross_validate                      training and honest answers
    wg.load_model  wg.predict  wg.export_model     answers, here and where wsigraph is not installed
    wg.PatchFeatures  wg.SpatialGraph              the values that travel
    wg.SlideInfo  wg.Patches
    wg.errors                                      every error raised on purpose
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from wsigraph import errors
    from wsigraph.data.patch_features import PatchFeatures
    from wsigraph.data.patches import Patches
    from wsigraph.data.slide_info import SlideInfo
    from wsigraph.data.spatial_graph import SpatialGraph
    from wsigraph.graph.build import to_graph
    from wsigraph.graph.builders.delaunay import Delaunay
    from wsigraph.graph.builders.edgeless import Edgeless
    from wsigraph.graph.builders.feature_knn import FeatureKNN
    from wsigraph.graph.builders.knn import KNN
    from wsigraph.graph.builders.radius import Radius
    from wsigraph.graph.builders.window import Window
    from wsigraph.io.cohort import Cohort
    from wsigraph.io.cohorts.make import cohort
    from wsigraph.io.features import read_features, write_features
    from wsigraph.pipelines.cross_validate import cross_validate
    from wsigraph.pipelines.export import export_model
    from wsigraph.pipelines.fit import fit
    from wsigraph.pipelines.predict import load_model, predict
    from wsigraph.training.recipe import Recipe, recipe

_WHERE: Final = MappingProxyType(
    {
        "read_features": "wsigraph.io.features",
        "write_features": "wsigraph.io.features",
        "to_graph": "wsigraph.graph.build",
        "KNN": "wsigraph.graph.builders.knn",
        "Window": "wsigraph.graph.builders.window",
        "Radius": "wsigraph.graph.builders.radius",
        "Delaunay": "wsigraph.graph.builders.delaunay",
        "FeatureKNN": "wsigraph.graph.builders.feature_knn",
        "Edgeless": "wsigraph.graph.builders.edgeless",
        "recipe": "wsigraph.training.recipe",
        "Recipe": "wsigraph.training.recipe",
        "Cohort": "wsigraph.io.cohort",
        "cohort": "wsigraph.io.cohorts.make",
        "fit": "wsigraph.pipelines.fit",
        "cross_validate": "wsigraph.pipelines.cross_validate",
        "load_model": "wsigraph.pipelines.predict",
        "predict": "wsigraph.pipelines.predict",
        "export_model": "wsigraph.pipelines.export",
        "PatchFeatures": "wsigraph.data.patch_features",
        "SpatialGraph": "wsigraph.data.spatial_graph",
        "SlideInfo": "wsigraph.data.slide_info",
        "Patches": "wsigraph.data.patches",
    }
)

__all__ = [  # noqa: RUF022 - in the order of the table of contents
    "read_features",
    "write_features",
    "to_graph",
    "KNN",
    "Window",
    "Radius",
    "Delaunay",
    "FeatureKNN",
    "Edgeless",
    "recipe",
    "Recipe",
    "Cohort",
    "cohort",
    "fit",
    "cross_validate",
    "load_model",
    "predict",
    "export_model",
    "PatchFeatures",
    "SpatialGraph",
    "SlideInfo",
    "Patches",
    "errors",
]


def __getattr__(name: str) -> Any:
    """Import a name of the table of contents at its first use."""
    if name == "errors":
        return importlib.import_module("wsigraph.errors")
    if name == "__version__":
        from importlib.metadata import version

        return version("wsigraph")
    if name not in _WHERE:
        raise AttributeError(f"module 'wsigraph' has no attribute {name!r}. It has {', '.join(__all__)}.")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
