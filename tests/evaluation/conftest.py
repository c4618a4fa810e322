"""Predictions with a known structure, shared by the tests of this room."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.prediction import Prediction


def draw(n: int, classes: int, *, seed: int, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that know something of them; scores are rounded so that ties occur."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + skill * np.eye(classes)[labels]
    scores = np.round(np.exp(logits), 1) + 0.1
    return labels, scores / scores.sum(1, keepdims=True)


def rows(labels, probabilities, patients=None, *, repeat=0, fold=0, split="test") -> list[Prediction]:
    """Prediction rows s0, s1, ... of patients p<i>."""
    patients = range(len(labels)) if patients is None else patients
    shared = {"repeat": repeat, "fold": fold, "split": split}
    return [
        Prediction(f"s{i:04d}", f"p{p}", tuple(map(float, q)), label=int(y), **shared)
        for i, (y, q, p) in enumerate(zip(labels, probabilities, patients, strict=True))
    ]


@pytest.fixture
def make_scores():
    """``draw``."""
    return draw


@pytest.fixture
def make_rows():
    """``rows``."""
    return rows
