"""Find the feature files of a folder, whichever tool laid it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wsigraph.errors import SeveralSetsError, expected

SUFFIXES = (".h5", ".hdf5", ".h5ad", ".zarr", ".npz", ".npy", ".pt", ".csv")
"""Endings of feature files; where one slide has several, the first of these is taken."""
NO_FEATURES = (".index.npz", "_patches.h5")
"""Endings of what stands beside features: centres of slideflow, coordinates of TRIDENT."""
GTP_FILE = "features.pt"
HEADER_BYTES = 4096


def feature_files(folder: str | Path) -> dict[str, Path]:
    """Every slide of a folder, and what ``read_features`` takes for it, sorted by slide id.

    Args:
        folder: Folder of any layout; see :func:`feature_place`.

    Returns: Path by slide id: a file, a ``.zarr`` store or a folder of one slide. Empty where there is none.
    Raises: SeveralSetsError: if the folder holds several sets of features.
    """
    place = feature_place(folder)
    if not place.is_dir():
        return {}
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir(), key=_preference):
        if _holds_features(path):
            found.setdefault(slide_name(path), path)
    return dict(sorted(found.items()))


def files_at(path: str | Path) -> list[Path]:
    """The feature files that a path on a command line means: all of a folder, or the one it names.

    Raises: SeveralSetsError: if the folder holds several sets of features.
    """
    path = Path(path)
    one = not path.is_dir() or _holds_features(path)
    return [path] if one else list(feature_files(path).values())


def find_features(folder: str | Path, slide_id: str) -> Path | None:
    """What ``read_features`` takes for one slide, None where the folder has nothing of it.

    Args:
        folder: Folder of any layout; see :func:`feature_place`.
        slide_id: Name of the slide; a slide suffix (``.svs``) is dropped if the feature file has none.

    Raises: SeveralSetsError: if the folder holds several sets of features.
    """
    return find_at(feature_place(folder), slide_id)


def find_at(place: Path, slide_id: str) -> Path | None:
    """As :func:`find_features`, in the very folder that :func:`feature_place` gave, for many slides."""
    if not slide_id or Path(slide_id).name != slide_id:
        return None
    stem = slide_id.rsplit(".", 1)[0] if "." in slide_id else slide_id
    for name in dict.fromkeys((slide_id, stem)):
        for path in (*(place / f"{name}{suffix}" for suffix in SUFFIXES), place / name):
            if path.exists() and _holds_features(path):
                return path
    return None


def feature_place(folder: str | Path) -> Path:
    """The folder in which the files of single slides lie.

    It is the folder itself where feature files lie in it. Else the one place that a known tool would have
    made below it: ``features_<encoder>/`` or ``<mag>x_<ps>px_<ov>px_overlap/features_<encoder>/`` (TRIDENT),
    ``h5_files/`` or else ``pt_files/`` (CLAM), ``features/`` beside ``coords/`` (torchmil). Empty ones count
    for nothing.

    Raises: SeveralSetsError: if there are several such places; the message lists them.
    """
    folder = Path(folder)
    if not folder.is_dir() or any(_holds_features(path) for path in folder.iterdir()):
        return folder
    places = [place for place in _places_below(folder) if any(map(_holds_features, place.iterdir()))]
    if len(places) > 1:
        raise SeveralSetsError(
            expected(
                f"Folder '{folder}'",
                "one set of features",
                f"{len(places)}: {', '.join(str(place.relative_to(folder)) for place in places)}",
                todo=f"Name one of them: {places[0]}.",
            )
        )
    return places[0] if places else folder


def slide_name(path: str | Path) -> str:
    """Slide id that a path stands for: its name without the ending of a feature file."""
    name = Path(path).name
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def _places_below(folder: Path) -> Iterator[Path]:
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    for path in below:
        if path.name.startswith("features_"):
            yield path
        elif path.name.endswith("_overlap"):
            yield from sorted(inner for inner in path.glob("features_*") if inner.is_dir())
    by_name = {path.name: path for path in below}
    if "h5_files" in by_name or "pt_files" in by_name:
        coordinates = by_name.get("h5_files")
        yield coordinates if coordinates and any(coordinates.iterdir()) else by_name.get("pt_files", folder)
    if "features" in by_name and "coords" in by_name:
        yield by_name["features"]


def _preference(path: Path) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return (SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES), path.name)


def _holds_features(path: Path) -> bool:
    """Judged by name, without opening: a folder may hold 10,000. Only a CSV is asked for its header."""
    name = path.name.lower()
    if name.startswith(".") or not name.endswith(SUFFIXES) or name.endswith(NO_FEATURES):
        return not name.startswith(".") and (path / GTP_FILE).is_file()
    if name.endswith(".zarr"):
        return path.is_dir()
    if name == GTP_FILE:  # the slide is the folder that this lies in
        return False
    return path.is_file() and (not name.endswith(".csv") or _has_positions(path))


def _has_positions(path: Path) -> bool:
    """Whether a CSV has columns of coordinates, which a manifest has not."""
    try:
        with open(path, "rb") as file:
            head = file.readline(HEADER_BYTES)
    except OSError:
        return False
    names = {cell.strip().strip('"').lower() for cell in head.decode("utf-8", "replace").split(",")}
    return {"x", "y"} <= names or {"coord_x", "coord_y"} <= names
