"""A logistic probe: how much one vector per slide tells by a straight line."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

STRENGTHS = tuple(10.0**power for power in range(-4, 4))
"""Inverse strengths of the L2 penalty that are tried, the strongest penalty first."""
STEPS = 2000


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Args:
        mean: ``[C]`` of the training slides.
        scale: ``[C]`` standard deviation of the same, 1 where a channel does not vary.
        weight: ``[K, C]``.
        bias: ``[K]``.
        strength: Inverse strength of the penalty that was chosen.
    """

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    strength: float

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Softmax of the linear scores: ``[n, C]`` -> ``[n, K]``."""
        logits = (x - self.mean) / self.scale @ self.weight.T + self.bias
        logits -= logits.max(1, keepdims=True)
        odds = np.exp(logits)
        return odds / odds.sum(1, keepdims=True)


def fit_probe(
    x: np.ndarray, labels: np.ndarray, *, train: Sequence[int], val: Sequence[int], num_classes: int
) -> Probe:
    r"""Fit logistic regression on some slides, its penalty chosen by others.

    .. math::  \min_{W, b}\; \tfrac12 \lVert W \rVert^2 + C \sum_i -\log \mathrm{softmax}(W x_i + b)_{y_i}

    Channels are standardised by the training slides. C is the one of ``STRENGTHS`` with the least mean
    negative log likelihood on the validation slides; of equal ones the strongest penalty.

    Args:
        x: ``[S, C]`` one vector per slide.
        labels: ``[S]`` int.
        train: Rows to learn from; every class must occur among them.
        val: Rows that choose the penalty.
        num_classes: Number of classes K.

    Source: linear probing, Alain and Bengio 2016. Differs: the penalty is chosen per fold.
    """
    rows, held = list(train), list(val)
    mean, deviation = x[rows].mean(0), x[rows].std(0)
    scale = np.where(deviation > 0, deviation, 1.0)
    best, least = None, np.inf
    for strength in STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=STEPS)
        with warnings.catch_warnings():  # one that stops early competes on the validation slides as it is
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((x[rows] - mean) / scale, labels[rows])
        probe = Probe(mean, scale, *_both(model.coef_, model.intercept_, num_classes), strength)
        chosen = probe.probabilities(x[held])[np.arange(len(held)), labels[held]]
        loss = float(-np.log(chosen.clip(min=1e-300)).mean())
        if best is None or loss < least - 1e-12:
            best, least = probe, loss
    assert best is not None
    return best


def _both(weight: np.ndarray, bias: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A row per class; scikit-learn gives two classes one row, of the second against the first."""
    if num_classes > 2:
        return weight, bias
    return np.concatenate([np.zeros_like(weight), weight]), np.concatenate([np.zeros_like(bias), bias])
