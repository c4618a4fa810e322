"""The smooth top-1 support vector loss."""

from __future__ import annotations

import torch
from torch import Tensor


def smooth_top1_svm(scores: Tensor, target: Tensor, *, tau: float = 1.0, alpha: float = 1.0) -> Tensor:
    r"""Margin loss of each row with a softened maximum.

    .. math::  \ell = \tau \log \sum_j \exp \frac{\alpha [j \ne t] + s_j - s_t}{\tau}

    As tau goes to 0 it is the largest violation of the margin, :math:`\max_j (\alpha [j \ne t] + s_j - s_t)`.
    With two classes and tau = alpha = 1 it is :math:`\log(1 + e^{1 - (s_t - s_{other})})`.

    Args:
        scores: ``[M, K]``.
        target: ``[M]`` class of each row.
        tau: Temperature.
        alpha: Margin.

    Shape: ``[M]``.
    Source: Berrada et al. 2018, top-1 case. Differs: the authors' code turns to the hard maximum where the
        two highest scores are more than tau log 1000 apart; here the same formula serves everywhere, which
        differs by less than tau / 300 there for two classes and alpha = tau.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    chosen = target.unsqueeze(1)
    margin = torch.full_like(scores, alpha).scatter(1, chosen, 0.0)
    return tau * ((margin + scores - scores.gather(1, chosen)) / tau).logsumexp(1)
