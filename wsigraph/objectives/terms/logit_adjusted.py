"""Cross-entropy that makes the plain logits those of balanced classes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.class_counts import ClassCounts, log_frequencies

WHERE = "Term 'logit_adjusted'"


class LogitAdjusted(Objective, name="logit_adjusted"):
    r"""Cross-entropy of logits raised by the log frequency of their classes.

    .. math::  L = -\frac1B \sum_b \log \mathrm{softmax}(y_b + \tau \log \pi)_{t_b}, \quad \pi_c = n_c / n

    Prediction reads y as it is. At the optimum y is log P(t | x) - tau log pi and a constant: with tau 1 its
    largest entry is the choice of least balanced error, where that of a plain cross-entropy is the choice of
    least error. Frequencies are those of the training slides. So predicted probabilities, and with them the
    validation loss, are those of classes equally frequent; the checkpoint rules ``val_total`` and ``val_auc``
    suit it better than ``val_loss``.

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.
        tau: How far to adjust; 0 is the plain cross-entropy.

    Raises: RecipeError: if tau is below 0 or not finite. CohortError: if a class has no training slide.
    Source: Menon et al. 2021 (Long-tail learning via logit adjustment), the logit adjusted softmax
        cross-entropy.
    """

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag", tau: float = 1.0) -> None:
        super().__init__()
        if isinstance(tau, bool) or not isinstance(tau, int | float) or not 0 <= tau < math.inf:
            raise RecipeError(expected(WHERE, "a finite tau from 0 on", f"{tau}"))
        self.view, self.head, self.tau = view, head, float(tau)
        self.needs = (Need(view, head, "logits"),)
        self.seen = ClassCounts(sizes.num_classes, where=WHERE)

    def see(self, targets: Tensor) -> None:
        """Count the classes of the training slides."""
        self.seen.see(targets)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        logits = step.views[self.view].head(self.head).logits
        prior = log_frequencies(self.seen())
        return nn.functional.cross_entropy(adjusted(logits, prior, tau=self.tau), step.target)


def adjusted(logits: Tensor, log_prior: Tensor, *, tau: float = 1.0) -> Tensor:
    r"""Logits raised by :math:`\tau \log \pi_c`.

    Args:
        logits: ``[B, K]``.
        log_prior: ``[K]`` log frequency of each class.
        tau: How far.

    Shape: ``[B, K]``, in at least single precision.
    """
    precision = torch.promote_types(logits.dtype, torch.float32)
    return logits + tau * log_prior.to(logits.device, precision)
