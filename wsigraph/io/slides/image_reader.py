"""Plain pictures (PNG, JPEG, TIFF) as slides."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from wsigraph.data.box import Box
from wsigraph.data.slide_info import Level, SlideInfo
from wsigraph.errors import SlideError, expected
from wsigraph.io.slides.base import SlideReader

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_SMALL = 1024


class ImageReader(SlideReader):
    """A plain picture, held in memory; reduced copies serve as lower levels, each a quarter of the one above.

    Its resolution is never taken from a dpi tag, which says how to print it.

    Args:
        path: The file.
        slide_id: Name of the slide.
        slide_mpp: Microns per pixel.

    Raises: SlideError: if the file is no picture, is damaged, too large to be held, or not 8 bits deep.
    """

    def __init__(self, path: Path, slide_id: str, *, slide_mpp: float | None = None) -> None:
        picture = _load(path, f"Slide '{slide_id}'")
        self._pictures = [picture]
        while max(self._pictures[-1].size) > _SMALL:
            self._pictures.append(self._pictures[-1].reduce(4))
        levels = tuple(Level(*p.size, 4.0**n) for n, p in enumerate(self._pictures))
        self.info = SlideInfo(
            slide_id=slide_id,
            path=str(path),
            levels=levels,
            mpp=math.nan if slide_mpp is None else slide_mpp,
            bounds=Box(0, 0, *picture.size),
            vendor="picture",
        )

    def read_region(self, x: int, y: int, *, level: int, width: int, height: int) -> np.ndarray:
        """See :meth:`SlideReader.read_region`."""
        picture = self._pictures[level]
        left, top = (round(v / self.info.levels[level].downsample) for v in (x, y))
        out = np.full((height, width, 3), 255, np.uint8)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, picture.width), min(top + height, picture.height)
        if x1 > x0 and y1 > y0:
            out[y0 - top : y1 - top, x0 - left : x1 - left] = np.asarray(picture.crop((x0, y0, x1, y1)))
        return out

    def close(self) -> None:
        """See :meth:`SlideReader.close`."""
        self._pictures = []


def _load(path: Path, where: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.mode not in _MODES:
                    raise SlideError(
                        expected(where, "a picture of 8 bits per channel", f"mode {picture.mode}")
                    )
                return _on_white(picture)
    except UnidentifiedImageError as error:
        raise SlideError(
            expected(
                where, "a slide or a picture", f"{path.name}, in no format that OpenSlide or Pillow knows"
            )
        ) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise SlideError(
            expected(
                where, "a picture small enough to hold in memory", f"'{error}'", todo="Make it a pyramid."
            )
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise SlideError(
            expected(where, f"a whole picture in {path.name}", f"'{error}' from Pillow")
        ) from error


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture.convert("RGB")
