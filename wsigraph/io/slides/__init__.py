"""Slides: one way to open them all."""

from __future__ import annotations

from pathlib import Path

from wsigraph.errors import MppError, SlideError, expected
from wsigraph.io.ids import check_id
from wsigraph.io.slides.base import SlideReader
from wsigraph.io.slides.pixels import read_overview, read_patches, resample
from wsigraph.patches.mpp import HIGHEST, LOWEST

__all__ = ["SlideReader", "open_slide", "read_overview", "read_patches", "resample", "slide_id_of"]


def slide_id_of(path: str | Path) -> str:
    """The slide's name: its file name without the ending.

    Raises: CohortError: if it is not safe as a file name.
    """
    return check_id(Path(path).stem, where=f"Slide file '{Path(path).name}'")


def open_slide(path: str | Path, *, slide_mpp: float | None = None) -> SlideReader:
    """Open a slide, or a plain picture, by what is in the file.

    Args:
        path: The file.
        slide_mpp: Microns per level-0 pixel, where the file does not say or says it wrongly.

    Raises:
        SlideError: if there is no such file, or it is no slide, or damaged; the message says which.
        MppError: if ``slide_mpp`` is implausible, or the file's pixels are not square.
        CohortError: if the file's name cannot be a slide id.
    Units: um/px.
    """
    import openslide

    from wsigraph.io.slides.image_reader import ImageReader
    from wsigraph.io.slides.openslide_reader import OpenSlideReader

    path = Path(path)
    slide_id = slide_id_of(path)
    _check_file(path, f"Slide '{slide_id}'")
    if slide_mpp is not None and not LOWEST <= slide_mpp <= HIGHEST:
        what = f"--slide-mpp between {LOWEST} and {HIGHEST:g} um/px"
        raise MppError(expected(f"Slide '{slide_id}'", what, f"{slide_mpp:g}"))
    known = openslide.OpenSlide.detect_format(path) is not None
    return (OpenSlideReader if known else ImageReader)(path, slide_id, slide_mpp=slide_mpp)


def _check_file(path: Path, where: str) -> None:
    if path.is_dir():
        raise SlideError(expected(where, "a slide file", f"the folder {path}", todo="Name the file itself."))
    if not path.exists():
        raise SlideError(expected(where, f"a file at {path}", "none", todo="Check the path."))
    if path.stat().st_size == 0:
        raise SlideError(expected(where, "a slide", f"an empty file at {path}", todo="Copy it again."))
