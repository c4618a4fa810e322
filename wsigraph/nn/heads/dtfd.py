"""Two tiers: pseudo-bags of patches, then what is distilled from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.distil import DISTILLATIONS, FirstTier
from wsigraph.nn.layers.gated_scores import GatedScores
from wsigraph.nn.layers.pseudo_bags import deal


class DTFD(Head, name="dtfd"):
    r"""Classify pseudo-bags by gated attention, distil each, and classify the slide from what was distilled.

    .. math::  y_m = W \sum_{i \in m} a_i x_i + b, \quad L_i = a_i W x_i, \quad
        f = \mathrm{distil}(x, a, L), \quad y = W' \sum_r a'_r f_r + b'

    a sums to 1 over each pseudo-bag m, a' over the distilled rows of the slide. :math:`L_i` are
    ``node_logits``: what Grad-CAM reads from the pooled patches, since the class score is linear in them;
    their softmax over the classes is the patch's probability. They and b sum to the pseudo-bag's logits,
    which are the extra ``pseudo_logits`` ``[B, M, K]``. ``attention`` is the weight that each patch has in
    the vector that the slide is classified from; with ``"maxmins"`` only the chosen patches have any.

    In training the patches are divided at random and each tier learns from its own term alone: the second
    reads what was distilled without passing gradients on. The first tier, and the encoder below it, learn
    from a term on ``pseudo_logits``. Otherwise patches are dealt out by the first tier's scores, so that an
    answer is the same each time and whatever the order of the patches; patches whose scores are equal to
    rounding may be dealt out either way. A slide of fewer patches than pseudo-bags has as many as it has
    patches; their logits then stand repeated in ``pseudo_logits``.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes K.
        distil: ``"maxmins"``: the patches of highest and lowest probability; ``"afs"``: the pooled vector.
        pseudo_bags: Pseudo-bags of a slide M.
        instances: Patches that ``"maxmins"`` takes at either end of a pseudo-bag.
        hidden_channels: Width of both attention layers.

    Shape: x ``[N, in_channels]`` -> logits ``[B, K]``, node_logits ``[N, K]``, attention ``[N, 1]``.
    Raises: GraphError: if a slide has no node. RecipeError: if there is no such distillation.
    Source: DTFD-MIL (Zhang et al. 2022). Differs: the patches are not divided at random where nothing is
        trained; ``"maxmins"`` ranks by the class that the pseudo-bag is given, where the code takes the last
        class, which is the same with two classes.
    """

    gives = frozenset({"logits", "embedding", "attention", "node_logits", "pseudo_logits"})

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        distil: str = "maxmins",
        pseudo_bags: int = 5,
        instances: int = 1,
        hidden_channels: int = 128,
    ) -> None:
        super().__init__()
        if distil not in DISTILLATIONS or pseudo_bags < 1 or instances < 1:
            what = f"a distillation of {sorted(DISTILLATIONS)}, at least 1 pseudo-bag and 1 instance"
            raise RecipeError(expected("Head 'dtfd'", what, f"'{distil}', {pseudo_bags}, {instances}"))
        self.distil, self.pseudo_bags, self.instances = DISTILLATIONS[distil], pseudo_bags, instances
        self.first_scores = GatedScores(in_channels, hidden_channels)
        self.first_classify = nn.Linear(in_channels, out_channels)
        self.second_scores = GatedScores(in_channels, hidden_channels)
        self.classify = nn.Linear(in_channels, out_channels)

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        bags.require_rows(where="DTFD")
        first = self.first_tier(x, bags)
        mixture = self.distil(first, instances=self.instances)
        rows = mixture.rows(x)
        rows = rows.detach() if self.training else rows
        present = mixture.present()
        slide = torch.arange(bags.num_graphs, device=x.device).repeat_interleave(
            mixture.num_rows // bags.num_graphs
        )
        scores = self.second_scores(rows)[:, 0]
        scores = scores.masked_fill(~present, torch.finfo(scores.dtype).min)
        weights = softmax(scores, slide, num_nodes=bags.num_graphs)
        weighed = weights.unsqueeze(1) * rows
        pooled = weighed.new_zeros(bags.num_graphs, rows.shape[1]).index_add_(0, slide, weighed)
        return HeadOutput(
            logits=self.classify(pooled),
            embedding=pooled,
            attention=mixture.back(weights, x.shape[0]).unsqueeze(1),
            node_logits=first.node_logits,
            extras={"pseudo_logits": self._each_slide(first, bags)},
        )

    def first_tier(self, x: Tensor, bags: Bags) -> FirstTier:
        """Pseudo-bags, their attention and logits, and the patches' logits."""
        scores = self.first_scores(x)
        key = torch.rand(scores.shape, device=x.device) if self.training else scores.detach()
        parts = deal(key[:, 0], bags, parts=self.pseudo_bags)
        attention = softmax(scores, parts.part, num_nodes=parts.num_parts)  # [N, 1]
        logits = self.first_classify(parts.sum(attention * x))
        node_logits = attention * nn.functional.linear(x, self.first_classify.weight)
        return FirstTier(parts, attention[:, 0], logits, node_logits)

    def _each_slide(self, first: FirstTier, bags: Bags) -> Tensor:
        """Logits of pseudo-bags as ``[B, M, K]``; where a slide has fewer, those it has, again and again."""
        numbers = torch.arange(self.pseudo_bags, device=bags.batch.device)
        there = bags.counts.unsqueeze(1).clamp(min=1, max=self.pseudo_bags)
        slides = torch.arange(bags.num_graphs, device=bags.batch.device).unsqueeze(1)
        return first.logits[slides * self.pseudo_bags + numbers % there]
