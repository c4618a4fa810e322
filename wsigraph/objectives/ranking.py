"""Multiple-instance ranking: a positive slide's best patches above a negative slide's best."""

from __future__ import annotations

from torch import Tensor

from wsigraph.objectives.node_scores import Scale, on_scale, top_mean


def ranking(
    logits: Tensor,
    batch: Tensor,
    positive: Tensor,
    *,
    k: int = 10,
    margin: float = 1.0,
    scale: Scale = "probabilities",
) -> Tensor:
    r"""Max-margin ranking of the slides of a step by their k highest patch scores.

    .. math::  L = \frac{1}{|P||N|} \sum_{p \in P} \sum_{n \in N}
        \max\bigl(0,\; m - \overline{\mathrm{top}_k}\, s^p + \overline{\mathrm{top}_k}\, s^n\bigr)

    On probabilities with a margin of 1 the loss is 0 only where the k best patches of each positive slide are
    at 1 and those of each negative slide at 0. On logits the margin is met as soon as they are 1 apart.

    Args:
        logits: Log-odds of each patch to be of the class, for instance of ``node_scores.class_logit``.
        batch: Slide of each patch.
        positive: Which slides are of the class.
        k: How many patches speak for a slide; all where it has fewer.
        margin: m.
        scale: What is ranked: ``"probabilities"`` or ``"logits"``.

    Shape: logits, batch ``[N]``, positive ``[B]`` bool -> a scalar, 0 where either kind of slide is missing.
    Raises: GraphError: if a slide has no patch. RecipeError: on another scale, or k below 1.
    Source: HNM-WSI (Huang et al. 2024), L_MIRank, k = 10, one pair of slides; on logits as in the authors'
        code.
        Differs: a step of several slides is the mean over its pairs; slides of fewer than k patches use all.
    """
    means = top_mean(on_scale(logits, scale), batch, len(positive), k=k)  # [B]
    if bool(positive.all()) or not bool(positive.any()):
        return logits.sum() * 0.0
    gaps = margin - means[positive].unsqueeze(1) + means[~positive]  # [positive slides, negative slides]
    return gaps.clamp(min=0.0).mean()
