"""Lesions found by patch probabilities, as CAMELYON16 counts them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from wsigraph.data.heatmap import Heatmap
from wsigraph.evaluation.detections import peaks
from wsigraph.evaluation.froc import Hits, froc, froc_interval, hits
from wsigraph.evaluation.lesions import JOIN_UM, lesions_of
from wsigraph.evaluation.outlines import Outlines

LEAST = 0.5
"""Probability below which a patch is no detection; fixed beforehand."""


@dataclass
class LesionHits:
    """What the patches of slide after slide met.

    A detection is the centre of the most probable patch within 75 um, the distance at which CAMELYON16 joins
    annotations, or within one patch where patches are larger.
    """

    slides: list[Hits] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    unknown: int = 0

    def add(self, heatmap: Heatmap, outlined: Outlines | None, patient: str) -> None:
        """Count a slide; one of unknown mpp is left out.

        Args:
            heatmap: Probabilities of its patches.
            outlined: Its lesions, None where it has none.
            patient: Whose it is.
        """
        if not (math.isfinite(heatmap.mpp) and heatmap.mpp > 0):
            self.unknown += 1
            return
        centres = heatmap.coords + heatmap.patch_size / 2
        radius = max(JOIN_UM / heatmap.mpp, heatmap.patch_size)
        found = peaks(heatmap.slide_id, centres, heatmap.raw, radius=radius, least=LEAST)
        lesions = None if outlined is None else lesions_of(outlined, mpp=heatmap.mpp)
        self.slides.append(hits(found, lesions))
        self.patients.append(patient)

    def result(self) -> dict[str, Any] | None:
        """FROC with its interval; None where no lesion is large enough to count, or no mpp is known."""
        if not any(slide.counted for slide in self.slides):
            return None
        curve, wide = froc(self.slides), froc_interval(self.slides, self.patients)
        return {
            "score": {"value": wide.value, "low": wide.low, "high": wide.high},
            "sensitivities": list(curve.sensitivities),
            "lesions": curve.lesions,
            "slides": curve.slides,
            "slides_of_unknown_mpp": self.unknown,
        }
