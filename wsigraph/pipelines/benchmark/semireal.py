"""Semi-synthetic slides: true outlines of tissue and lesions, filled with real nuclei of other tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError, expected
from wsigraph.evaluation.outlines import Outlines

PLACES = 16
"""Places that are tried for a lesion."""
_DRAWS, _ROUNDS = 256, 64


@dataclass(frozen=True)
class Dials:
    """How hard the slides are.

    Args:
        step: Side of a patch and step of the lattice.
        scale: Length of a lesion against its true one.
        strength: How surely a patch in a lesion looks epithelial; at 0 a lesion cannot be seen.
        noise: Share of patches outside lesions that look epithelial all the same.

    Units: level-0 pixels for ``step``.
    Raises: CohortError: if one is out of range.
    """

    step: int = 1536
    scale: float = 1.0
    strength: float = 1.0
    noise: float = 0.05

    def __post_init__(self) -> None:
        if not (self.step >= 1 and self.scale > 0 and 0 <= self.strength <= 1 and 0 <= self.noise <= 1):
            what = "a positive step and scale, strength and noise of 0..1"
            raise CohortError(expected("Dials of semi-synthetic slides", what, f"{self}"))


@dataclass(frozen=True)
class Donors:
    """Rows that patches are filled with.

    Args:
        epithelial: ``[E, C]`` rows of epithelial nuclei.
        others: ``[O, C]`` rows of all other nuclei.

    Raises: CohortError: if one is empty or they differ in width.
    """

    epithelial: np.ndarray
    others: np.ndarray

    def __post_init__(self) -> None:
        shapes = self.epithelial.shape, self.others.shape
        if not (len(self.epithelial) and len(self.others)) or shapes[0][1:] != shapes[1][1:]:
            raise CohortError(expected("Donors", "rows of both kinds, of one width", f"{shapes}"))


@dataclass(frozen=True)
class SemiReal:
    """One semi-synthetic slide and its truth, which no training reads.

    Args:
        features: Its patches.
        lesion: ``[N]`` bool, patches whose centre lies in the lesion.
        outline: ``[V, 2]`` the lesion where it was put, empty where there is none.

    Units: level-0 pixels for ``outline``.
    """

    features: PatchFeatures
    lesion: np.ndarray
    outline: np.ndarray


def semireal_slide(
    slide_id: str,
    tissue: Outlines,
    lesion: np.ndarray | None,
    *,
    donors: Donors,
    dials: Dials,
    mpp: float,
    seed: int,
) -> SemiReal:
    """A slide of true outlines whose patches are rows of real nuclei of other tissue.

    Patches lie on one lattice, those whose centre is in the tissue. A lesion is put where most of it lies on
    tissue, of ``PLACES`` places drawn, without turning it, and what lies beside the tissue is cut off.

    Args:
        slide_id: Name of the slide.
        tissue: Outlines of its tissue.
        lesion: ``[V, 2]`` outline of the lesion wherever it was drawn; None for a slide without.
        donors: Rows of nuclei.
        dials: How hard it is.
        mpp: Microns per level-0 pixel.
        seed: Fixes every number.

    Units: level-0 pixels for outlines.
    Raises: CohortError: if no patch lies in the tissue, or a lesion's outline encloses nothing.
    """
    centres, rng = lattice_centres(tissue, dials.step), np.random.default_rng(seed)
    if not len(centres):
        got = f"none on a lattice of {dials.step} px"
        raise CohortError(expected(f"Slide '{slide_id}'", "patches in its tissue", got))
    outline, inside = np.zeros((0, 2)), np.zeros(len(centres), bool)
    if lesion is not None:
        outline, inside = place_lesion(rng, centres, lesion, dials)
    features = PatchFeatures(
        slide_id,
        filled(np.random.default_rng([seed, 1]), donors, inside, dials),
        centres - dials.step // 2,
        patch_size_level0=float(dials.step),
        step_level0=float(dials.step),
        mpp=mpp,
        encoder=f"semisynthetic_nucleus_{donors.others.shape[1]}",
        notes=("semi-synthetic: true outlines, and one real nucleus of other tissue for each patch",),
    )
    return SemiReal(features, inside, outline)


def lattice_centres(outlines: Outlines, step: int) -> np.ndarray:
    """Centres of the cells of one lattice, the same for all slides, that lie inside.

    Shape: ``[N, 2]`` int64 (x, y), row by row.
    Units: level-0 pixels.
    """
    box = outlines.box
    xs, ys = (
        np.arange(int(low // step), int(high // step) + 1) * step + step // 2
        for low, high in ((box.x, box.right), (box.y, box.bottom))
    )
    lattice = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return lattice[outlines.contain(lattice)]


def place_lesion(
    rng: np.random.Generator, centres: np.ndarray, lesion: np.ndarray, dials: Dials
) -> tuple[np.ndarray, np.ndarray]:
    """A lesion's outline on tissue, and the patches whose centre it holds, at least one.

    Each place puts a point drawn inside the lesion on the centre of a patch drawn; the place is taken that
    has the largest share of the lattice under the lesion on tissue, the first of equal ones.

    Args:
        rng: Source of the draws.
        centres: ``[N, 2]`` patches of the tissue.
        lesion: ``[V, 2]`` its outline.
        dials: Scale and step.

    Shape: outline ``[V, 2]`` float64, ``[N]`` bool.
    Units: level-0 pixels.
    Raises: CohortError: if the outline encloses nothing.
    """
    best, taken = -1.0, None
    for anchor in _points_inside(rng, lesion, PLACES):
        place = centres[rng.integers(len(centres))]
        outline = (lesion - anchor) * dials.scale + place
        shape = Outlines.of([outline])
        inside, under = shape.contain(centres), len(lattice_centres(shape, dials.step))
        if inside.any() and inside.sum() / under > best:
            best, taken = inside.sum() / under, (outline, inside)
    if taken is None:
        raise CohortError(expected("Lesion", "an outline that encloses something", "none"))
    return taken


def filled(rng: np.random.Generator, donors: Donors, lesion: np.ndarray, dials: Dials) -> np.ndarray:
    r"""Rows for patches: of an epithelial nucleus with a probability that depends on the lesion alone.

    .. math::  P(\text{epithelial}) = \eta + s\,(1 - \eta) \text{ in the lesion, } \eta \text{ outside}

    with strength s and noise :math:`\eta`, each patch for itself; rows are drawn with replacement. At s = 0
    the rows are the same wherever the lesion lies.

    Args:
        rng: Source of the draws.
        donors: Rows.
        lesion: ``[N]`` bool.
        dials: Strength and noise.

    Shape: ``[N, C]`` float32.
    """
    count = len(lesion)
    drawn, first, second = (
        rng.random(count),
        rng.integers(len(donors.epithelial), size=count),
        rng.integers(len(donors.others), size=count),
    )
    looks = drawn < dials.noise + np.where(lesion, dials.strength * (1.0 - dials.noise), 0.0)
    x: np.ndarray = np.where(looks[:, None], donors.epithelial[first], donors.others[second])
    return x.astype(np.float32)


def area(outline: np.ndarray) -> float:
    """Area inside an outline that does not cross itself, in the square of its unit."""
    x, y = (outline - outline.mean(0)).T if len(outline) else np.zeros((2, 0))
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _points_inside(rng: np.random.Generator, outline: np.ndarray, count: int) -> np.ndarray:
    shape, found = Outlines.of([outline]), np.zeros((0, 2))
    box = shape.box
    for _ in range(_ROUNDS):
        drawn = rng.random((_DRAWS, 2)) * [box.width, box.height] + [box.x, box.y]
        found = np.concatenate([found, drawn[shape.contain(drawn)]])
        if len(found) >= count:
            break
    return found[:count]
