"""Synthetic H&E-like slides whose label is how tissue is arranged, never what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wsigraph.synthetic.arrangement import LABELS, arrange, interior, tissue_cells
from wsigraph.synthetic.stain import draw_nuclei, paint, random_stain, smooth_noise


@dataclass(frozen=True)
class Layout:
    """Sizes of a synthetic slide.

    Args:
        grid: Lattice cells along each side.
        cell_px: Side of a cell; tile with this patch size and each cell is one patch.
        mpp: Microns per pixel.
        tissue_cells: Cells covered by tissue, the same on every slide.
        dense_cells: Cells filled by a nuclei-dense follicle, the same on every slide.

    Units: pixels; um/px for mpp.
    """

    grid: int = 16
    cell_px: int = 64
    mpp: float = 1.0
    tissue_cells: int = 144
    dense_cells: int = 22


@dataclass(frozen=True)
class SyntheticSlide:
    """One synthetic slide and the truth about it.

    Args:
        slide_id: ``synthetic_000`` and so on.
        patient_id: A made-up patient; a fifth of the patients have two slides.
        label: One of ``arrangement.LABELS``.
        image: ``[height, width, 3]`` uint8 RGB.
        mpp: Microns per pixel.
        tissue: ``[grid, grid]`` bool, cells of tissue.
        dense: ``[grid, grid]`` bool, cells with a follicle.
    """

    slide_id: str
    patient_id: str
    label: str
    image: np.ndarray
    mpp: float
    tissue: np.ndarray
    dense: np.ndarray


def slide_cohort(
    slides: int = 40, *, seed: int = 0, layout: Layout | None = None, skip: frozenset[str] = frozenset()
) -> Iterator[SyntheticSlide]:
    """Render a balanced synthetic cohort one slide at a time.

    Args:
        slides: How many; labels alternate.
        seed: Fixes every pixel. A slide depends on (seed, its index) alone.
        layout: Sizes, the default if None.
        skip: Slide ids that need not be rendered (they exist already).
    """
    for index in range(slides):
        slide_id, _, label = cohort_row(index)
        if slide_id not in skip:
            yield render_slide(index, label=label, seed=seed, layout=layout or Layout())


def cohort_row(index: int) -> tuple[str, str, str]:
    """Slide id, patient id and label of the synthetic slide number ``index``."""
    patient = index - 2 if index % 12 in (2, 3) else index  # the same label as its sister slide
    return f"synthetic_{index:03d}", f"synthetic_patient_{patient:03d}", LABELS[index % 2]


def render_slide(index: int, *, label: str, seed: int = 0, layout: Layout | None = None) -> SyntheticSlide:
    """Render one synthetic slide.

    Outline, stain and texture come from a stream that never sees the label; the label decides only in
    which interior cells the follicles stand. Nuclei stay inside their cell, so a patch tells nothing of
    its neighbours.

    Args:
        index: Number of the slide in its cohort.
        label: ``"clustered"`` or ``"scattered"``.
        seed: Seed of the cohort.
        layout: Sizes, the default if None.
    """
    layout = layout or Layout()
    rng = np.random.default_rng([seed, index, 0])
    tissue = tissue_cells(rng, layout.grid, count=layout.tissue_cells)
    stain = random_stain(rng)
    texture = np.random.default_rng([seed, index, 1])
    places = np.random.default_rng([seed, index, 2])
    dense = arrange(places, interior(tissue), count=layout.dense_cells, label=label)
    amount = _outline(texture, tissue, layout.cell_px)
    hematoxylin = draw_nuclei(texture, tissue, dense, cell_px=layout.cell_px)
    image = paint(texture, stain, tissue=amount, hematoxylin=hematoxylin)
    slide_id, patient_id, _ = cohort_row(index)
    return SyntheticSlide(slide_id, patient_id, label, image, layout.mpp, tissue, dense)


def _outline(rng: np.random.Generator, tissue: np.ndarray, cell_px: int) -> np.ndarray:
    """Tissue amount 0..1 per pixel: the cells with an edge that wavers by a tenth of a cell."""
    side = tissue.shape[0] * cell_px
    soft = _soft_cells(len(tissue), cell_px)
    field = soft @ tissue.astype(np.float32) @ soft.T
    field += smooth_noise(rng, side, spacing=cell_px / 3) * 0.1 - 0.5
    return np.clip(field / 0.06 + 0.5, 0.0, 1.0)


def _soft_cells(grid: int, cell_px: int) -> np.ndarray:
    """Share of each cell in each pixel, edges softened over half a cell: ``[grid * cell_px, grid]``."""
    width = cell_px // 4
    weights = np.kron(np.eye(grid), np.ones((cell_px, 1)))
    total = np.cumsum(weights, axis=0)
    mean = (np.roll(total, -width, axis=0) - np.roll(total, width, axis=0)) / (2 * width)
    return np.clip(mean, 0.0, 1.0).astype(np.float32)  # the slide's rim is background, so roll is safe
