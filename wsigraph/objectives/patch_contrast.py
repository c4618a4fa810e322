"""Supervised contrast of patches seen in two views, blind to patches that nobody can tell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected

UNCERTAIN = -1
"""Label of a patch that is neither pulled nor pushed by anyone."""


def patch_contrast(first: Tensor, second: Tensor, *, labels: Tensor, temperature: float = 0.07) -> Tensor:
    r"""Pull views of patches of one label together, push those of other labels apart.

    .. math::  L = \frac{1}{|V|} \sum_{a \in V} \frac{-1}{|P(a)|} \sum_{p \in P(a)}
        \log \frac{\exp(z_a \cdot z_p / \tau)}{\sum_{k \in V, k \ne a} \exp(z_a \cdot z_k / \tau)}

    V holds both views of all patches with a label of 0 or more, z are the embeddings at unit length, and P(a)
    all other views with a's label: at least the other view of the same patch. An uncertain patch (label -1)
    is no anchor, no positive, and does not stand in the denominator: pushing it away would teach that it is
    of another class.

    Args:
        first: Embeddings of the first views; need not have unit length.
        second: Embeddings of the second views.
        labels: Class of each patch, 0 or more; below 0 where uncertain.
        temperature: :math:`\tau`, above 0.

    Shape: first, second ``[N, C]``, labels ``[N]`` -> a scalar, 0 where no patch has a label.
    Raises: RecipeError: if shapes disagree or the temperature is not positive.
    Source: supervised contrast, Khosla et al. 2020, eq. 2 (the sum outside the logarithm); uncertain patches
        left out, HNM-WSI (Huang et al. 2024).
    """
    if first.shape != second.shape or labels.shape != first.shape[:1] or temperature <= 0:
        got = f"{list(first.shape)}, {list(second.shape)}, {list(labels.shape)}, temperature {temperature}"
        raise RecipeError(expected("Patch contrast", "views [N, C], labels [N], a temperature above 0", got))
    told = labels >= 0
    count = int(told.sum())
    if not count:
        return (first.sum() + second.sum()) * 0.0
    kind = torch.promote_types(first.dtype, torch.float32)  # under autocast too: 1 / tau magnifies rounding
    with torch.autocast(first.device.type, enabled=False):
        views = nn.functional.normalize(torch.cat([first[told], second[told]]).to(kind), dim=-1)  # [2n, C]
        cosines = views @ views.T
    itself = torch.eye(2 * count, dtype=torch.bool, device=views.device)
    logits = (cosines / temperature).masked_fill(itself, -torch.inf)  # [2n, 2n]
    likely = logits.log_softmax(dim=-1).masked_fill(itself, 0.0)
    known = labels[told].repeat(2)
    alike = (known.unsqueeze(1) == known) & ~itself
    return -((likely * alike).sum(1) / alike.sum(1)).mean()
