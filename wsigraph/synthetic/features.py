"""Synthetic feature cohorts with a known answer, made in milliseconds: no pictures, no files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.synthetic.arrangement import LABELS, arrange, interior, tissue_cells

PATCH_PX = 256


@dataclass(frozen=True)
class SyntheticCohort:
    """Feature arrays with labels and made-up patients.

    Args:
        features: One entry per slide.
        labels: ``[S]`` int, index into ``classes``.
        patients: One made-up patient id per slide; a fifth of the patients have two slides.
        classes: Class names.
    """

    features: tuple[PatchFeatures, ...]
    labels: np.ndarray
    patients: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)


def arrangement_cohort(
    slides: int = 40,
    *,
    seed: int = 0,
    strength: float = 1.0,
    in_channels: int = 8,
    grid: int = 12,
    shuffle_coords: bool = False,
) -> SyntheticCohort:
    """A synthetic cohort in which only the arrangement of patches tells the label.

    Both classes draw the same number of rows of two kinds from the same two distributions; the label
    decides where the second kind stands. The set of rows is therefore independent of the label, and no
    set aggregator can beat chance, whatever it learns.

    Args:
        slides: How many; labels alternate.
        seed: Fixes every number.
        strength: Distance of the two kinds in units of half their noise; 0 makes even the graph useless.
        in_channels: Channels of a row.
        grid: Lattice cells along each side.
        shuffle_coords: Permute the rows' places in every slide: the control that destroys the answer.

    Units: coords in level-0 pixels, a lattice step is 256.
    """
    tissue, dense = round(0.6 * (grid - 2) ** 2) + 8, max(6, round(0.1 * (grid - 2) ** 2))
    made = []
    for index in range(slides):
        rng = np.random.default_rng([seed, index])
        mask = tissue_cells(rng, grid, count=tissue)
        kinds = arrange(rng, interior(mask), count=dense, label=LABELS[index % 2])[mask]
        rows = np.random.default_rng([seed, index, 1])
        second = rows.standard_normal((dense, in_channels)) + 2.0 * strength * _direction(in_channels)
        first = rows.standard_normal((tissue - dense, in_channels))
        x = np.empty((tissue, in_channels), dtype=np.float32)
        x[kinds], x[~kinds] = second, first
        x = rows.permutation(x) if shuffle_coords else x
        made.append(features_of_cells(index, x, np.argwhere(mask)[:, ::-1]))
    return labelled(made, LABELS)


def composition_cohort(
    slides: int = 40, *, seed: int = 0, strength: float = 1.0, in_channels: int = 8, grid: int = 12
) -> SyntheticCohort:
    """A synthetic cohort in which only the share of the second kind of patch tells the label.

    The kinds are scattered at random in both classes, so a graph knows no more than a set.

    Args:
        slides: How many; labels alternate.
        seed: Fixes every number.
        strength: Distance of the two kinds in units of half their noise; 0 makes the label unlearnable.
        in_channels: Channels of a row.
        grid: Lattice cells along each side.

    Units: coords in level-0 pixels, a lattice step is 256.
    """
    tissue = round(0.6 * (grid - 2) ** 2) + 8
    made = []
    for index in range(slides):
        rng = np.random.default_rng([seed, index])
        mask = tissue_cells(rng, grid, count=tissue)
        share = 0.05 if index % 2 == 0 else 0.25
        kinds = rng.permutation(tissue) < round(share * tissue)
        noise = rng.standard_normal((tissue, in_channels))
        x = noise + 2.0 * strength * kinds[:, None] * _direction(in_channels)
        made.append(features_of_cells(index, x.astype(np.float32), np.argwhere(mask)[:, ::-1]))
    return labelled(made, ("poor", "rich"))


def _direction(in_channels: int) -> np.ndarray:
    """A vector of entries +1, -1, +1 ...: the two kinds differ in every channel."""
    return 1.0 - 2.0 * (np.arange(in_channels) % 2)


def features_of_cells(index: int, x: np.ndarray, cells: np.ndarray) -> PatchFeatures:
    """A synthetic slide of its rows and their cells (x, y)."""
    return PatchFeatures(
        slide_id=f"synthetic_{index:03d}",
        x=x,
        coords=(cells * PATCH_PX).astype(np.int64),
        patch_size_level0=float(PATCH_PX),
        patch_px=PATCH_PX,
        step_level0=float(PATCH_PX),
        mpp=0.5,
        target_mpp=0.5,
        encoder="synthetic",
        source="synthetic",
    )


def labelled(features: list[PatchFeatures], classes: tuple[str, ...]) -> SyntheticCohort:
    """Slides whose labels alternate, as of made-up patients."""
    patients = (index - 2 if index % 12 in (2, 3) else index for index in range(len(features)))
    return SyntheticCohort(
        features=tuple(features),
        labels=np.arange(len(features)) % 2,
        patients=tuple(f"synthetic_patient_{patient:03d}" for patient in patients),
        classes=classes,
    )
