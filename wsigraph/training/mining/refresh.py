"""When pseudo-labels are made anew: only if the validation score did not fall."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Refresh:
    """Whether the latest scores make the pseudo-labels.

    Args:
        accepted: True if they do; else the pseudo-labels in use stay.
        score: Validation score of the model that would make them.
        standing: Validation score behind the pseudo-labels that are in use from now on.
        reason: One sentence for the log.
    """

    accepted: bool
    score: float
    standing: float
    reason: str


def decide(standing: float | None, score: float) -> Refresh:
    """Accept a refresh if the validation score is at least that of the pseudo-labels in use.

    As labels are replaced only by labels with an equal or better score, those in use always have the best
    score so
    far: to compare with them is to compare with the best.

    Args:
        standing: ``Refresh.standing`` of the last decision; None before the first.
        score: Score on validation slides, higher is better; never of test slides. NaN (say, an AUC of one
            class) is accepted only where there are no pseudo-labels yet.

    Source: HNM-WSI (Huang et al. 2024), ItS2CLR (Liu et al. 2023). Differs: the code compares on the test
        set.
    """
    if standing is None:
        return Refresh(True, score, score, "the first pseudo-labels")
    if math.isnan(score):
        return Refresh(False, score, standing, "the validation score is not defined")
    if math.isnan(standing) or score >= standing:
        return Refresh(True, score, score, f"validation {score:.4f} is not below {standing:.4f}")
    return Refresh(False, score, standing, f"validation fell from {standing:.4f} to {score:.4f}")
