"""From patch probabilities to a few detections: one point for each peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from wsigraph.errors import FeatureError, RecipeError, expected


@dataclass(frozen=True)
class Detections:
    """Points of a slide where a model sees a lesion.

    Args:
        slide_id: Name of the slide.
        points: ``[D, 2]`` (x, y).
        probability: ``[D]`` float, how sure the model is of each.

    Units: level-0 pixels.
    Raises: FeatureError: if lengths disagree or a number is not finite.
    """

    slide_id: str
    points: np.ndarray
    probability: np.ndarray

    def __post_init__(self) -> None:
        where, count = f"Detections of slide '{self.slide_id}'", len(self.probability)
        if self.points.shape != (count, 2) or self.probability.shape != (count,):
            got = f"{list(self.points.shape)} and {list(self.probability.shape)}"
            raise FeatureError(expected(where, "points [D, 2] and probability [D]", got))
        if not (np.isfinite(self.points).all() and np.isfinite(self.probability).all()):
            raise FeatureError(expected(where, "finite points and probabilities", "NaN or inf"))


def peaks(
    slide_id: str, centres: np.ndarray, probability: np.ndarray, *, radius: float, least: float = 0.5
) -> Detections:
    """The most probable patch, then the most probable one farther than ``radius`` from all before it, and so
    on.

    Args:
        slide_id: Name of the slide.
        centres: Centres of the patches.
        probability: Of each patch.
        radius: Within which a peak silences its neighbours.
        least: Patches below it are no detections.

    Shape: centres ``[N, 2]``, probability ``[N]``.
    Units: level-0 pixels.
    Raises: RecipeError: if the radius is not positive. FeatureError: as ``Detections``.
    Source: greedy non-maximum suppression, as entries of CAMELYON16 used it. Differs: of patches that tie,
        the upper and then the left one comes first, whatever their order in the file.
    """
    if radius <= 0:
        raise RecipeError(expected("Peaks", "a radius above 0", f"{radius}"))
    every = Detections(slide_id, np.asarray(centres, np.float64), np.asarray(probability, np.float64))
    likely = np.flatnonzero(every.probability >= least)
    points, values = every.points[likely], every.probability[likely]
    if not len(likely):
        return Detections(slide_id, points, values)
    tree, silent, kept = cKDTree(points), np.zeros(len(points), bool), []
    for i in np.lexsort((points[:, 0], points[:, 1], -values)):
        if not silent[i]:
            kept.append(i)
            silent[tree.query_ball_point(points[i], radius)] = True
    return Detections(slide_id, points[kept], values[kept])
