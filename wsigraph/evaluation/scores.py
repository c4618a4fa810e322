"""Two quick scores for the training log; reports use ``metrics``."""

from __future__ import annotations

import math

import numpy as np


def quick_scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy and AUC (macro, one class against the rest) of a few validation slides.

    Args:
        probabilities: ``[n, K]``.
        labels: ``[n]`` class indices.

    Returns: ``accuracy`` and ``auc``; AUC is NaN where a single class is present.
    """
    from scipy.stats import rankdata

    areas = []
    for k in range(probabilities.shape[1]):
        positive = labels == k
        pairs = positive.sum() * (~positive).sum()
        if pairs:
            ranks = rankdata(probabilities[:, k])[positive].sum()
            areas.append((ranks - positive.sum() * (positive.sum() + 1) / 2) / pairs)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    return {"accuracy": accuracy, "auc": float(np.mean(areas)) if areas else math.nan}
