"""The overlay: a small picture of the slide with its tissue, its patches and what was flagged."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wsigraph.data.patches import Patches
from wsigraph.io.atomic import atomic_path
from wsigraph.patches.overview import Overview

_LONG_SIDE = 1200
_LEAST_WIDTH = 640
_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_TISSUE = (0, 140, 70)
_COLOURS = {"patch": (25, 90, 200), "pen": (230, 0, 160), "blur": (245, 130, 0)}


def write_overlay(path: str | Path, overview: Overview, tissue_mask: np.ndarray, patches: Patches) -> None:
    """Draw and write the overlay of one slide as PNG.

    Args:
        path: Where to.
        overview: Picture of the slide.
        tissue_mask: ``[H, W]`` bool on the overview's pixels.
        patches: What was kept; a patch with a flag is drawn in the flag's colour.
    """
    with atomic_path(path) as temporary:
        draw_overlay(overview, tissue_mask, patches).save(temporary, format="PNG")


def draw_overlay(overview: Overview, tissue_mask: np.ndarray, patches: Patches) -> Image.Image:
    """The overlay as a picture: title, slide, legend and a scale bar in um."""
    height, width = overview.image.shape[:2]
    zoom = _LONG_SIDE / max(height, width)
    size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    slide = Image.fromarray(overview.image).resize(size, Image.Resampling.LANCZOS)
    slide = _with_outline(slide, tissue_mask)
    _draw_patches(slide, patches, overview, zoom / overview.downsample)
    canvas = Image.new("RGB", (max(size[0], _LEAST_WIDTH), size[1] + 104), _PAPER)
    canvas.paste(slide, ((canvas.width - size[0]) // 2, 44))
    _write_title(canvas, patches)
    _draw_legend(canvas, patches, size[1] + 44)
    _draw_scale(canvas, patches.mpp * overview.downsample / zoom, size[0])
    return canvas


def _with_outline(slide: Image.Image, tissue_mask: np.ndarray) -> Image.Image:
    mask = np.asarray(Image.fromarray(tissue_mask).convert("L").resize(slide.size)) > 127
    inner = mask.copy()
    for axis in (0, 1):
        for shift in (-2, 2):
            inner &= np.roll(mask, shift, axis)
    pixels = np.array(slide)
    pixels[mask & ~inner] = _TISSUE
    return Image.fromarray(pixels)


def _draw_patches(slide: Image.Image, patches: Patches, overview: Overview, scale: float) -> None:
    pen = ImageDraw.Draw(slide, "RGBA")
    side = patches.patch_size_level0 * scale
    corners = (patches.coords - [overview.box.x, overview.box.y]) * scale
    flagged = {name: patches.flags[name] for name in ("pen", "blur") if name in patches.flags}
    for late in (False, True):  # flagged squares last, so that no plain neighbour covers their edges
        for row, (x, y) in enumerate(corners.tolist()):
            names = [name for name, values in flagged.items() if values[row]]
            if bool(names) != late:
                continue
            colour = _COLOURS[names[0] if names else "patch"]
            square = (x, y, x + side, y + side)
            pen.rectangle(
                square, outline=(*colour, 255 if names else 150), width=2 if names and side > 6 else 1
            )
            if names:
                pen.rectangle(square, fill=(*colour, 60))


def _write_title(canvas: Image.Image, patches: Patches) -> None:
    pen = ImageDraw.Draw(canvas)
    facts = f"{len(patches):,} patches of {patches.patch_px} px at {patches.target_mpp:.3g} um/px"
    facts_font, room = ImageFont.load_default(16), canvas.width - 36
    left = canvas.width - 12 - facts_font.getlength(facts)
    pen.text((left, 12), facts, fill=_INK, font=facts_font)
    font, name = ImageFont.load_default(20), patches.slide_id
    while len(name) > 4 and font.getlength(name) > room - facts_font.getlength(facts):
        name = name[:-4] + "..."
    pen.text((12, 9), name, fill=_INK, font=font)


def _draw_legend(canvas: Image.Image, patches: Patches, top: int) -> None:
    pen, font, x = ImageDraw.Draw(canvas), ImageFont.load_default(15), 12.0
    entries = [("tissue outline", _TISSUE), ("patch", _COLOURS["patch"])]
    entries += [
        (f"{name}: {int(values.sum()):,}", _COLOURS[name])
        for name, values in patches.flags.items()
        if name in _COLOURS
    ]
    for text, colour in entries:
        pen.rectangle((x, top + 24, x + 14, top + 38), outline=colour, width=3)
        pen.text((x + 21, top + 21), text, fill=_INK, font=font)
        x += 21 + font.getlength(text) + 22


def _draw_scale(canvas: Image.Image, mpp: float, slide_width: int) -> None:
    """A bar of 1, 2 or 5 times a power of ten, about a fifth of the slide's width."""
    length_um = nice_length(mpp * slide_width / 5)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(15)
    text = f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um:g} um"
    right, top, length = canvas.width - 14, canvas.height - 50, length_um / mpp
    pen.rectangle((right - length, top + 12, right, top + 16), fill=_INK)
    pen.text((right - length / 2 - font.getlength(text) / 2, top + 20), text, fill=_INK, font=font)


def nice_length(about: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above ``about``."""
    power = 10.0 ** math.floor(math.log10(about))
    return max(step * power for step in (1, 2, 5) if step * power <= about * (1 + 1e-9))
