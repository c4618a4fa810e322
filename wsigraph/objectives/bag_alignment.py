"""HMIL's bag alignment: the fine answer, summed into its parents, is right about the coarse class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn


def bag_alignment(fine_logits: Tensor, target: Tensor, *, membership: Tensor) -> Tensor:
    r"""Negative logarithm of the fine probability that lies under the true coarse class.

    .. math::  L_{ba} = -\frac1B \sum_b \log \sum_{f \in t_b} \mathrm{softmax}(y_b)_f

    0 where all probability lies under the true coarse class, however it is divided there. A slide whose
    coarse class alone is known trains the fine classes this way.

    Args:
        fine_logits: ``[B, K_f]``.
        target: ``[B]`` coarse class, -1 where unknown: such slides do not count.
        membership: ``[K_f, K_c]`` 1 where a fine class descends from a coarse one.

    Shape: a scalar, 0 where no slide counts.
    Source: HMIL (Jin et al. 2025), bag-level alignment.
    """
    known = target >= 0
    if not bool(known.any()):
        return fine_logits.sum() * 0.0
    log_p = nn.functional.log_softmax(_full(fine_logits[known]), dim=1)
    inside = membership.T[target[known]] > 0
    return -log_p.where(inside, float("-inf")).logsumexp(1).mean()


def bag_alignment_code(fine_logits: Tensor, target: Tensor, *, membership: Tensor) -> Tensor:
    r"""The authors' code: summed probabilities are taken for logits and go through a second softmax.

    .. math::  L = -\frac1B \sum_b \log \mathrm{softmax}(\mathrm{softmax}(y_b) M)_{t_b}

    A perfect answer scores :math:`\log(1 + (K_c - 1) / e)`, .5514 for three coarse classes, and no answer
    more than one above it.

    Args:
        fine_logits: ``[B, K_f]``.
        target: ``[B]`` coarse class, -1 where unknown: such slides do not count.
        membership: ``[K_f, K_c]`` 1 where a fine class descends from a coarse one.

    Shape: a scalar, 0 where no slide counts.
    Source: the code released with HMIL (Jin et al. 2025). Differs: slides may be unknown.
    """
    known = target >= 0
    if not bool(known.any()):
        return fine_logits.sum() * 0.0
    with torch.autocast(fine_logits.device.type, enabled=False):
        p = _full(fine_logits[known]).softmax(1)
        return nn.functional.cross_entropy(p @ membership.to(p.dtype), target[known])


BAG_ALIGNMENTS: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {"paper": bag_alignment, "code": bag_alignment_code}
)
"""Both forms, by name."""


def _full(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
