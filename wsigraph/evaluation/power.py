"""Before anything is trained: the smallest difference of two AUCs that so many patients can show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special, stats

from wsigraph.errors import RunError, expected


@dataclass(frozen=True)
class Detectable:
    """The smallest difference of two paired AUCs that would probably be found.

    Args:
        difference: Of the AUCs; above ``1 - auc`` no method can be that much better.
        positive: Patients of the rarer side.
        negative: The others.
        auc: Assumed AUC of both methods.
        correlation: Assumed correlation of the two AUCs over draws of patients.
        power: Chance to find a true difference of this size.
        level: Two-sided level of the test.
    """

    difference: float
    positive: int
    negative: int
    auc: float
    correlation: float
    power: float
    level: float

    def __str__(self) -> str:
        return (
            f"{self.difference:.3f} AUC ({self.positive} against {self.negative} patients; assumed: one "
            f"comparison, AUCs near {self.auc:.2f} that correlate by {self.correlation:.2f}, "
            f"{self.power:.0%} power, two-sided {self.level:.0%})"
        )


def detectable_difference(
    positive: int,
    negative: int,
    *,
    auc: float = 0.85,
    correlation: float = 0.5,
    power: float = 0.8,
    level: float = 0.05,
) -> Detectable:
    r"""Smallest detectable difference of two AUCs measured on the same patients.

    .. math::  \Delta = (z_{1 - \alpha / 2} + z_{power}) \sqrt{2 (1 - r)\, s^2}

    with the variance :math:`s^2` of :func:`auc_variance`. A reckoning for planning, not a test:
    it takes each patient as one answer (several slides of a patient help less than as many patients),
    answers of all folds as those of one model, a normal difference and no correction for several
    comparisons. More seeds lessen the noise of training, but bring no patients: they do not stand here.

    Args:
        positive: Patients of one class, n_1.
        negative: Patients of the other, n_0.
        auc: A, assumed of both.
        correlation: r, assumed between the two AUCs. Where methods agree more, smaller differences show.
        power: Chance to find it.
        level: Two-sided level.

    Raises: RunError: if a class has no patient, or an assumption cannot be.
    Source: Hanley and McNeil 1983 (two areas from the same patients).
    """
    if positive < 1 or negative < 1:
        got = f"{positive} and {negative}"
        raise RunError(expected("detectable_difference", "patients of two classes", got))
    shares = {"auc": auc, "power": power, "level": level}
    wrong = {k: v for k, v in shares.items() if not 0.0 < v < 1.0}
    if wrong or not -1.0 <= correlation < 1.0:
        got = f"{wrong or {'correlation': correlation}}"
        raise RunError(expected("detectable_difference", "auc, power, level in (0, 1), r in [-1, 1)", got))
    deviation = math.sqrt(2.0 * (1.0 - correlation) * auc_variance(auc, positive, negative))
    reach = float(stats.norm.ppf(1.0 - level / 2) + stats.norm.ppf(power))
    return Detectable(reach * deviation, positive, negative, auc, correlation, power, level)


def detectable_after(low: float, high: float, *, power: float = 0.8, level: float = 0.05) -> float:
    r"""Smallest difference that a repetition with as many other patients would probably show.

    .. math::  \Delta = (z_{1 - \alpha / 2} + z_{power})\, \frac{high - low}{2 z_{.975}}

    Here the spread is the one that was found, of any metric and any number of seeds, where
    :func:`detectable_difference` must assume it beforehand.

    Args:
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        power: Chance to find it.
        level: Two-sided level of the test.

    Source: the usual sum of two normal quantiles; the interval is taken for a normal one.
    """
    reach = float(stats.norm.ppf(1.0 - level / 2) + stats.norm.ppf(power))
    return reach * (high - low) / (2.0 * float(stats.norm.ppf(0.975)))


def auc_variance(auc: float, positive: int, negative: int) -> float:
    r"""Variance of an AUC over draws of patients.

    .. math::  s^2 = \frac{A (1 - A) + (n_1 + n_0 - 2)(Q - A^2)}{n_1 n_0}, \quad
               Q = \Phi_2(z, z; 1/2) = A - 2\, T(z, 1 / \sqrt 3), \quad z = \Phi^{-1}(A)

    with Owen's T. Q is the chance that one patient is ranked rightly against each of two others.

    Source: Hanley and McNeil 1982 (standard error of the area). Differs: Q of normal scores with equal
        spread, where theirs are exponential and treat the two sides unlike; both are assumptions.
    """
    z = float(stats.norm.ppf(auc))
    both = auc - 2.0 * float(special.owens_t(z, 1.0 / math.sqrt(3.0)))
    spread = auc * (1.0 - auc) + (positive + negative - 2) * (both - auc * auc)
    return spread / (positive * negative)


def patient_sides(labels: Sequence[str], patients: Sequence[str]) -> tuple[int, int]:
    """Patients of the rarest class and all others; of two classes, of each.

    A patient with slides of several classes counts to the rarest of them.

    Args:
        labels: One per slide.
        patients: One per slide.
    """
    pairs = set(zip(labels, patients, strict=True))
    counts = Counter(label for label, _ in pairs)
    rarest = min(counts, key=lambda name: (counts[name], name))
    positive = len({patient for label, patient in pairs if label == rarest})
    return positive, len(set(patients)) - positive
