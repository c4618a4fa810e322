"""Stores of LazySlide and wsidata: AnnData tables in a SpatialData zarr store, or one such table."""

from __future__ import annotations

import math
from typing import Any

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.beside import number
from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.snap import snap
from wsigraph.io.features.store import GuardedStore

TILES = "_tiles"
SPATIAL = "obsm/spatial"


class LazySlide(FeatureFormat[GuardedStore], name="lazyslide"):
    """``tables/<model>_tiles`` with ``X`` and ``obsm/spatial``, the top-left corners of tiles.

    A store of several models is refused with their names: point to one table,
    ``<slide>.zarr/tables/<model>_tiles``. Its mpp and tile are taken from the store's attributes
    (``slide_properties``, ``tile_spec``) where they stand there. Graphs of other tools (``obsp``) are left.

    Units: level-0 pixels.
    Raises: FeatureFileError: if there are several tables, or X is not a dense array.
    """

    opens = GuardedStore
    priority = 50

    def matches(self, file: GuardedStore) -> bool:
        """By a table of tiles, or by being one."""
        return file.has("X") or bool(_tables(file))

    def read(self, file: GuardedStore) -> RawFeatures:
        """The table's features and coordinates."""
        tables = [""] if file.has("X") else _tables(file)
        if len(tables) > 1:
            raise FeatureFileError(
                expected(
                    file.where,
                    "one table of features",
                    f"{[name.removeprefix('tables/') for name in tables]}",
                    todo=f"Choose one: '{file.path / tables[0]}'.",
                )
            )
        root = f"{tables[0]}/" if tables[0] else ""
        x = file.read(f"{root}X")
        model = tables[0].removeprefix("tables/").removesuffix(TILES)
        facts, notes = _facts(file.attributes(), encoder=model)
        if not file.has(f"{root}{SPATIAL}"):
            return RawFeatures(x, NO_COORDS, facts, (f"no coordinates: '{SPATIAL}' is not there",))
        return RawFeatures(x, file.read(f"{root}{SPATIAL}"), facts, notes)

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Tiles start anew at every piece of tissue: put them on one lattice."""
        return snap(features)


def _tables(file: GuardedStore) -> list[str]:
    names = [f"tables/{name}" for name in file.members("tables") if name.endswith(TILES)]
    return [name for name in names if file.has(f"{name}/X")]


def _facts(attributes: dict[str, Any], *, encoder: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = _mapping(_mapping(attributes.get("tile_spec")).get("tiles"))
    mpp = number(_mapping(attributes.get("slide_properties")), "mpp")
    pixels, downsample = number(spec, "width"), number(spec, "base_downsample")
    size = pixels * downsample
    facts = {
        "encoder": encoder,
        "mpp": mpp,
        "patch_px": int(pixels) if pixels > 0 else 0,
        "patch_size_level0": size if size > 0 else math.nan,
        "target_mpp": number(spec, "mpp"),
    }
    return facts, () if mpp > 0 else ("the store does not state mpp: distances in um are unknown",)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
