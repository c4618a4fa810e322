"""SRMIL's label-free term: rebuild masked patches from their neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from wsigraph.data.bag_output import BagOutput
from wsigraph.nn.kernels.linear_cosine import linear_cosine
from wsigraph.nn.layers.at_rows import sums_at_rows
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.layers.make import make_layer, rows_of, sees_neighbours
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.targets.base import Target


class Reconstruction(Objective, name="reconstruction"):
    r"""Decode the node embeddings of a masked view and compare them with the inputs at masked nodes.

    .. math::  L = \frac1B \sum_b \frac{1}{|M_b|} \sum_{i \in M_b} (1 - \cos(\hat x_i, x_i))^\alpha

    The decoder is a bridge without bias, a token at the masked rows (they are hidden a second time, so that
    only neighbours speak) and two layers back to the input's width. Layers that see no neighbours
    (``"mlp"``) get no token: they decode what the encoder made of the hidden patch.

    Args:
        sizes: Widths of the model.
        view: The masked view.
        heads: Attention heads of the decoder's hidden layer.
        feature_dropout: Dropout of each decoder layer's input.
        attention_dropout: Dropout of the decoder's attention weights.
        alpha: Exponent of the cosine error.
        token_std: Standard deviation of the decoder token's start.
        layer: Kind of the decoder's layers: ``"gat"``, ``"gatv2"``, ``"gcn"``, ``"gin"``, ``"sage"`` or
            ``"mlp"``; heads and attention dropout are read by those that attend.
        target: What is rebuilt: ``"features"``, ``"neighbour_mean"``, ``"residual"`` or ``"diffused"``, by
            name or with its options; M counts the masked patches that have one.

    Source: SRMIL (Wu et al. 2026). Differs: in a batch of slides each slide counts once, whatever its number
    of masked patches, so that a batch equals its slides one by one; a slide without masked patch counts 0.
    """

    tasks = None

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "masked",
        heads: int = 4,
        feature_dropout: float = 0.11,
        attention_dropout: float = 0.15,
        alpha: float = 1.0,
        token_std: float = 0.01,
        layer: str = "gat",
        target: str | Mapping[str, Any] = "features",
    ) -> None:
        super().__init__()
        width = sizes.node_channels
        make = partial(
            make_layer, layer, feature_dropout=feature_dropout, attention_dropout=attention_dropout
        )
        self.target: Target = Target.registry.make(target)
        self.view, self.alpha = view, alpha
        self.needs = (Need(view, None, "mask"),)
        self.bridge = nn.Linear(width, width, bias=False)
        nn.init.xavier_normal_(self.bridge.weight, gain=2**0.5)
        self.token = nn.Parameter(torch.randn(1, width) * token_std) if sees_neighbours(layer) else None
        self.hidden = make(width, width, heads=heads)
        self.last = make(width, sizes.in_channels, heads=1, plain=True)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        seen = step.views[self.view]
        mask = seen.mask
        if mask is None or not bool(mask.any()):
            return seen.nodes.sum() * 0.0
        wanted = self.target.of(step.inputs, seen.adjacency, mask)
        slide = seen.batch[mask]
        known = torch.ones_like(slide, dtype=torch.bool) if wanted.known is None else wanted.known
        counts = torch.bincount(slide[known], minlength=seen.num_graphs).clamp(min=1).to(seen.nodes.dtype)
        return self.compare(seen, wanted.values, row_weight=known / (counts[slide] * seen.num_graphs))

    def compare(self, seen: BagOutput, target: Tensor, *, row_weight: Tensor) -> Tensor:
        """Weighed sum of the errors at masked nodes; equal to ``cosine_error`` of ``rebuild``.

        Args:
            seen: The masked view.
            target: ``[num_masked, in_channels]``.
            row_weight: ``[num_masked]``.
        """
        last = self.last
        if not isinstance(last, GATLayer):
            return (cosine_error(self.rebuild(seen), target, alpha=self.alpha) * row_weight).sum()
        sums = sums_at_rows(last, self.hide(seen), seen.adjacency, seen.masked)
        return linear_cosine(
            sums, last.project.weight, last.bias, target=target, row_weight=row_weight, alpha=self.alpha
        )

    def hide(self, seen: BagOutput) -> Tensor:
        """Bridge, token at masked rows, the decoder's hidden layer: ``[N, node_channels]``."""
        hidden = self.bridge(seen.nodes)
        if self.token is not None:
            hidden = torch.where(seen.masked.unsqueeze(1), self.token, hidden)
        return self.hidden(hidden, seen.adjacency)

    def rebuild(self, seen: BagOutput) -> Tensor:
        """Rebuilt targets of the masked nodes, in their order: ``[num_masked, in_channels]``."""
        return rows_of(self.last, self.hide(seen), seen.adjacency, seen.masked)


def cosine_error(rebuilt: Tensor, original: Tensor, *, alpha: float = 1.0) -> Tensor:
    r"""Scaled cosine error of each row, ``(1 - cos)^alpha``.

    Args:
        rebuilt: ``[N, C]``.
        original: ``[N, C]``.
        alpha: Exponent; above 1 weighs badly rebuilt rows more.

    Shape: ``[N]``.
    Source: GraphMAE (Hou et al. 2022), eq. 2.
    """
    error = 1.0 - nn.functional.cosine_similarity(rebuilt, original, dim=-1)
    return error if alpha == 1.0 else error.clamp(min=0.0).pow(alpha)
