"""HMIL's instance alignment: fine attention, summed into its parents, points where coarse attention does."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def instance_alignment(
    coarse: Tensor, fine: Tensor, *, membership: Tensor, batch: Tensor, num_graphs: int
) -> Tensor:
    r"""Mean cosine error between each patch's coarse attention and its fine attention summed into parents.

    .. math::  L_{ia} = \frac1B \sum_b \frac1{|N_b|} \sum_{n \in N_b} (1 - \cos(a^c_n,\; a^f_n M))

    The cosine looks at one patch over the classes, so it asks which classes a patch speaks for and not how
    much: 0 is reached where the two are proportional in each patch. One coarse class alone is always 0.

    Args:
        coarse: ``[N, K_c]`` attention of the coarse classes, not negative.
        fine: ``[N, K_f]`` attention of the fine classes, not negative.
        membership: ``[K_f, K_c]`` M, 1 where a fine class descends from a coarse one.
        batch: ``[N]`` slide of each patch.
        num_graphs: Number of slides B.

    Shape: a scalar, 0..1.
    Source: HMIL (Jin et al. 2025), instance-level alignment. Differs: rows are brought to a largest entry of
    1 first, because sharp attention over 100,000 patches leaves rows smaller than the epsilon of a usual
    cosine; a patch whose attention rounds to zero for all classes points nowhere and is left out; each slide
    counts once, whatever its number of patches.
    """
    kind = torch.promote_types(coarse.dtype, torch.float32)
    with torch.autocast(coarse.device.type, enabled=False):  # cosines want the digits
        left, right = coarse.to(kind), fine.to(kind) @ membership.to(kind)
        tops = [rows.detach().amax(1, keepdim=True) for rows in (left, right)]
        known = ((tops[0] > 0) & (tops[1] > 0)).squeeze(1)
        left, right = (rows / top.where(top > 0, 1.0) for rows, top in zip((left, right), tops, strict=True))
        error = 1.0 - nn.functional.cosine_similarity(left, right, dim=1)
        counts = torch.bincount(batch[known], minlength=num_graphs).clamp(min=1).to(kind)
        return (error * (known / (counts[batch] * num_graphs))).sum()
