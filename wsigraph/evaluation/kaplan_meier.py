"""How many are still without the event, as time goes on."""

from __future__ import annotations

import numpy as np


def kaplan_meier(times: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""The Kaplan-Meier estimate of survival.

    .. math::  S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right)

    d_i events happened at t_i among n_i still observed; who is censored at t_i is among them.

    Args:
        times: ``[n]`` times of event or censoring.
        events: ``[n]`` 1 where the event happened, 0 where censored.

    Returns: The times at which survival falls, from 0 on, and survival from each of them on.
    Source: Kaplan and Meier 1958.
    """
    steps = np.unique(times[events > 0])
    died = np.array([((times == t) & (events > 0)).sum() for t in steps], dtype=np.float64)
    at_risk = np.array([(times >= t).sum() for t in steps], dtype=np.float64)
    survival = np.cumprod(1.0 - died / np.maximum(at_risk, 1.0))
    return np.concatenate([[0.0], steps]), np.concatenate([[1.0], survival])


def halves_by_risk(risk: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """True for the half with the larger risk; each fold is halved by itself, for its risks have a scale
    of their own.

    Args:
        risk: ``[n]``.
        folds: ``[n]`` which network answered.
    """
    high = np.zeros(len(risk), dtype=bool)
    for fold in np.unique(folds):
        mine = folds == fold
        high[mine] = risk[mine] > np.median(risk[mine])
    return high
