"""Colours of synthetic H&E: two stains in optical density, fibres, and nuclei as small ellipses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.15, 0.95, 0.27])
"""Absorption of red, green and blue per unit of stain, near the values of real dyes."""


@dataclass(frozen=True)
class Stain:
    """How one synthetic slide was stained.

    Args:
        hematoxylin: ``[3]`` optical density per unit of the nuclear stain.
        eosin: ``[3]`` optical density per unit of the stroma stain.
        glass: Brightness of the background, 0..255.
    """

    hematoxylin: np.ndarray
    eosin: np.ndarray
    glass: float


def random_stain(rng: np.random.Generator) -> Stain:
    """A slightly different staining for every slide."""
    strength = rng.normal(1.0, 0.06, size=2).clip(0.85, 1.15)
    tint = rng.normal(0.0, 0.02, size=(2, 3))
    return Stain(
        strength[0] * (HEMATOXYLIN + tint[0]), strength[1] * (EOSIN + tint[1]), rng.uniform(238.0, 247.0)
    )


def smooth_noise(rng: np.random.Generator, side: int, *, spacing: float) -> np.ndarray:
    """Noise of unit variance at its knots, interpolated between knots ``spacing`` pixels apart.

    Shape: ``[side, side]`` float32.
    """
    knots = int(np.ceil(side / spacing)) + 2
    weights = _interpolation(side, knots, spacing)
    return weights @ rng.standard_normal((knots, knots), dtype=np.float32) @ weights.T


def _interpolation(side: int, knots: int, spacing: float) -> np.ndarray:
    """Smoothstep interpolation of ``knots`` values as a matrix ``[side, knots]``."""
    place = np.arange(side) / spacing
    left = place.astype(int)
    share = place - left
    share = share * share * (3 - 2 * share)
    weights = np.zeros((side, knots), dtype=np.float32)
    weights[np.arange(side), left] = 1 - share
    weights[np.arange(side), left + 1] = share
    return weights


def paint(
    rng: np.random.Generator, stain: Stain, *, tissue: np.ndarray, hematoxylin: np.ndarray
) -> np.ndarray:
    """Light through two stains on glass (Beer-Lambert).

    Args:
        rng: Source of the texture.
        stain: Colours.
        tissue: ``[side, side]`` tissue amount 0..1.
        hematoxylin: ``[side, side]`` amount of the nuclear stain.

    Shape: ``[side, side, 3]`` uint8.
    """
    side = len(tissue)
    fibres = _fibres(rng, side)
    nuclear = hematoxylin * tissue
    pink = tissue * (0.30 + 0.13 * fibres) * (1.0 - 0.45 * np.clip(nuclear, 0.0, 1.0))
    nuclear = nuclear + 0.05 * tissue
    grain = 2.0 * rng.standard_normal((side, side), dtype=np.float32)
    image = np.empty((side, side, 3), dtype=np.uint8)
    for channel in range(3):
        density = nuclear * float(stain.hematoxylin[channel]) + pink * float(stain.eosin[channel])
        light = float(stain.glass) * np.exp(-density) + grain
        image[..., channel] = np.clip(light, 0, 255)
    return image


def _fibres(rng: np.random.Generator, side: int) -> np.ndarray:
    """Wavy strands, about -1..1: a plane wave bent by slow noise, mixed with fine noise."""
    angle = rng.uniform(0, np.pi)
    along = np.arange(side, dtype=np.float32) * (2 * np.pi / 19.0)
    plane = float(np.cos(angle)) * along[None, :] + float(np.sin(angle)) * along[:, None]
    bend = 6.0 * smooth_noise(rng, side, spacing=110.0) + 1.4 * smooth_noise(rng, side, spacing=31.0)
    return 0.5 * np.sin(plane + bend) + 0.5 * smooth_noise(rng, side, spacing=9.0)


def draw_nuclei(
    rng: np.random.Generator, tissue: np.ndarray, dense: np.ndarray, *, cell_px: int
) -> np.ndarray:
    """Amount of nuclear stain per pixel: many round nuclei in follicles, few long ones in stroma.

    Args:
        rng: Source of places and shapes.
        tissue: ``[grid, grid]`` bool.
        dense: ``[grid, grid]`` bool, cells that hold a follicle.
        cell_px: Side of a cell; no nucleus crosses a cell's edge.

    Shape: ``[grid * cell_px, grid * cell_px]`` float32.
    """
    side = len(tissue) * cell_px
    canvas = np.zeros((side, side), dtype=np.float32)
    haze = _disc(cell_px) * 0.22
    for row, column in np.argwhere(tissue):
        cell = canvas[row * cell_px : (row + 1) * cell_px, column * cell_px : (column + 1) * cell_px]
        if dense[row, column]:
            cell += haze
            _stamp(rng, cell, count=round(cell_px**2 / 125), long_px=4.6, short_px=3.9, disc=True)
        _stamp(rng, cell, count=round(cell_px**2 / 1100), long_px=6.5, short_px=2.4, disc=False)
    return canvas


def _disc(cell_px: int) -> np.ndarray:
    offset = (np.arange(cell_px) - (cell_px - 1) / 2) / (0.5 * cell_px)
    radius = np.hypot(offset[:, None], offset[None, :])
    return np.clip((0.92 - radius) / 0.1, 0.0, 1.0).astype(np.float32)


def _stamp(
    rng: np.random.Generator, cell: np.ndarray, *, count: int, long_px: float, short_px: float, disc: bool
) -> None:
    """Draw ``count`` ellipses into a cell, inside its disc or anywhere."""
    reach = int(np.ceil(long_px * 1.4)) + 1
    half = len(cell) / 2
    if disc:
        radius = (half - reach - 1) * np.sqrt(rng.uniform(0, 1, count))
        angle = rng.uniform(0, 2 * np.pi, count)
        centres = np.stack([half + radius * np.cos(angle), half + radius * np.sin(angle)], axis=1)
    else:
        centres = rng.uniform(reach + 1, len(cell) - reach - 1, size=(count, 2))
    axes = np.array([long_px, short_px]) * rng.normal(1.0, 0.12, size=(count, 2)).clip(0.7, 1.35)
    turns = rng.uniform(0, np.pi, count)
    depth = rng.uniform(0.75, 1.15, count)
    offset = np.arange(-reach, reach + 1)
    for (x, y), (long, short), turn, dark in zip(centres, axes, turns, depth, strict=True):
        left, top = int(x), int(y)
        u, v = offset[None, :] - (x - left), offset[:, None] - (y - top)
        along = (u * np.cos(turn) + v * np.sin(turn)) / long
        across = (v * np.cos(turn) - u * np.sin(turn)) / short
        shape = np.clip((1.0 - np.sqrt(along**2 + across**2)) * short, 0.0, 1.0) * dark
        window = cell[top - reach : top + reach + 1, left - reach : left + reach + 1]
        np.maximum(window, shape, out=window)
