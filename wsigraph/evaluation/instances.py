"""How well patch scores find the patches that a pathologist marked, with intervals by resampling patients.

Everywhere: ``truth [N]`` is 1, 0, or -1 where nobody can tell, which counts nowhere; ``scores [N]`` are high
where a patch looks positive; the patches of all slides stand together. What cannot be computed (one class
alone) is NaN.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.intervals import Interval, draw_patients, interval

_LEVELS_AT_ONCE = 2000


def instance_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: how often a positive patch scores above a negative one; ties count half."""
    truth, scores = _told(truth, scores)
    return float(sk.roc_auc_score(truth, scores)) if 0 < truth.sum() < len(truth) else float("nan")


def instance_average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean, over the positive patches, of the precision at their own scores; nothing is interpolated."""
    truth, scores = _told(truth, scores)
    return float(sk.average_precision_score(truth, scores)) if truth.any() else float("nan")


def instance_f1(truth: np.ndarray, scores: np.ndarray, *, threshold: float = 0.5) -> float:
    """F1 of the positive class, a patch being called positive from the threshold on.

    The threshold is fixed beforehand or chosen on validation slides, never where it is scored. NaN where
    no patch is positive and none is called so.
    """
    truth, called = _told(truth, scores >= threshold)
    return float(sk.f1_score(truth, called, zero_division=np.nan)) if len(truth) else float("nan")


def instance_intervals(
    truth: np.ndarray,
    scores: np.ndarray,
    patients: np.ndarray,
    *,
    threshold: float = 0.5,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """All three with 95 % intervals: whole patients are drawn, with all their patches.

    Patches of one slide are no independent witnesses, so intervals over patches would be far too narrow.
    A resample is read from counts per patient, never from its patches one by one.

    Args:
        truth: ``[N]``.
        scores: ``[N]``.
        patients: ``[N]`` anything that names the patient of each patch.
        threshold: Of F1.
        resamples: Number of resamples.
        seed: Of the draws.

    Returns: ``"auc"``, ``"f1"`` and ``"average_precision"``.
    Raises: RunError: if shapes disagree, truth is none of 1, 0, -1, or a score is not finite.
    """
    _check(truth, scores, patients)
    names, patient = np.unique(patients, return_inverse=True)
    values = {
        "auc": instance_auc(truth, scores),
        "f1": instance_f1(truth, scores, threshold=threshold),
        "average_precision": instance_average_precision(truth, scores),
    }
    if len(names) < 2:  # one patient resampled is always the same patient: no interval
        nothing = np.full(resamples, np.nan)
        return {name: interval(value, nothing) for name, value in values.items()}
    draws = draw_patients(len(names), resamples=resamples, seed=seed)
    told = truth >= 0
    rows = (truth[told] == 1, scores[told], patient[told])
    drawn = {
        "auc": _auc_of(draws, *rows),
        "f1": _f1_of(draws, *rows, threshold=threshold),
        "average_precision": _average_precision_of(draws, *rows),
    }
    return {name: interval(value, drawn[name]) for name, value in values.items()}


def _auc_of(draws: np.ndarray, positive: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """AUC of each resample: a quadratic form in how often each patient was drawn."""
    count = draws.shape[1]
    wins = np.zeros((count, count))  # pairs that patient p's positive patches win against q's negative ones
    mine, high = patient[positive], scores[positive]
    for q in range(count):
        low = np.sort(scores[~positive & (patient == q)])
        beaten = 0.5 * (np.searchsorted(low, high) + np.searchsorted(low, high, side="right"))
        wins[:, q] = np.bincount(mine, beaten, minlength=count)
    positives, negatives = (
        draws @ np.bincount(patient[side], minlength=count) for side in (positive, ~positive)
    )
    return _share(np.einsum("rp,pq,rq->r", draws, wins, draws, optimize=True), positives * negatives)


def _f1_of(
    draws: np.ndarray, positive: np.ndarray, scores: np.ndarray, patient: np.ndarray, *, threshold: float
) -> np.ndarray:
    called = scores >= threshold
    right, wrong = (
        draws @ np.bincount(patient[rows], minlength=draws.shape[1])
        for rows in (called & positive, called != positive)
    )
    return _share(2 * right, 2 * right + wrong)


def _average_precision_of(
    draws: np.ndarray, positive: np.ndarray, scores: np.ndarray, patient: np.ndarray
) -> np.ndarray:
    """Average precision of each resample, some of the positive patches' scores at a time."""
    count = draws.shape[1]
    levels = np.unique(scores[positive])[::-1]
    level = np.searchsorted(-levels, -scores)  # the first level that a patch reaches
    order = np.argsort(level, kind="stable")
    level, positive, patient = level[order], positive[order], patient[order]
    total, above, hits = np.zeros(len(draws)), np.zeros((len(draws), 1)), np.zeros((len(draws), 1))
    for start in range(0, len(levels), _LEVELS_AT_ONCE):
        width = min(_LEVELS_AT_ONCE, len(levels) - start)
        low, high = np.searchsorted(level, [start, start + width])
        cell = patient[low:high] * width + level[low:high] - start
        every, right = (
            draws @ np.bincount(cell[rows], minlength=count * width).reshape(count, width)
            for rows in (slice(None), positive[low:high])
        )  # [R, width] patches at each level
        above, hits = above[:, -1:] + every.cumsum(1), hits[:, -1:] + right.cumsum(1)
        total += (right * np.nan_to_num(_share(hits, above))).sum(1)
    return _share(total, hits[:, -1])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is nothing."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _told(truth: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return truth[truth >= 0], values[truth >= 0]


def _check(truth: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> None:
    if not truth.shape == scores.shape == np.shape(patients) == (len(truth),):
        got = f"{list(truth.shape)}, {list(scores.shape)}, {list(np.shape(patients))}"
        raise RunError(expected("Instance scores", "truth, scores and patients of one shape [N]", got))
    if not np.isin(truth, (-1, 0, 1)).all() or not np.isfinite(scores).all():
        got = (
            f"truth {np.unique(truth)[:5].tolist()}, {int((~np.isfinite(scores)).sum())} scores that are not"
        )
        raise RunError(expected("Instance scores", "truth of 1, 0 or -1 and finite scores", got))
