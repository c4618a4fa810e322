"""Graph attention into one supernode, from its patches a tile at a time."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.layers.into_supernodes import NEGATIVE_SLOPE


class HubSum:
    r"""The output of a graph attention layer at a supernode that hears every patch and not itself.

    Tiles are added in any order, each patch once. With :math:`m` the largest logit so far, a running sum of
    :math:`e^{l_u - m} x_u` and of :math:`e^{l_u - m}` is all that is kept of the rows; both are scaled down
    when the largest logit grows. Equal to ``into_supernodes`` outside training.

    Args:
        layer: A graph attention layer.
        hub: ``[1, C]`` the supernode's row.
        num_nodes: Number of patches N.
        weight: ``[H, D, C]`` from the rows to each head; the layer's own projection where None.
        residual: ``[1, H * D]`` residual at the supernode; the layer's own where None.

    Source: Milakov and Gimelshein 2018 (softmax with a running normaliser).
    """

    def __init__(
        self,
        layer: GATLayer,
        hub: Tensor,
        num_nodes: int,
        *,
        weight: Tensor | None = None,
        residual: Tensor | None = None,
    ) -> None:
        if weight is None:
            weight = layer.project.weight.view(layer.heads, layer.head_channels, -1)
        self.layer, self.weight = layer, weight
        self.residual = layer.residual_of(hub) if residual is None else residual
        self.score = torch.einsum("hd,hdc->ch", layer.attend_src[0], weight)  # [C, H]
        self.of_hub = hub @ torch.einsum("hd,hdc->ch", layer.attend_dst[0], weight)  # [1, H]
        self.logits = hub.new_full((num_nodes, layer.heads), -torch.inf)
        self.largest = hub.new_full((layer.heads,), -torch.inf)
        self.total = hub.new_zeros(layer.heads)
        self.pooled = hub.new_zeros(layer.heads, hub.shape[1])

    def add(self, nodes: Tensor, rows: Tensor) -> None:
        """Rows ``[n, C]`` of the patches ``nodes`` (``[n]``)."""
        logits = leaky_relu(rows @ self.score + self.of_hub, NEGATIVE_SLOPE)  # [n, H]
        self.logits[nodes] = logits
        largest = torch.maximum(self.largest, logits.amax(0))
        shrink = torch.exp(self.largest - largest)
        share = torch.exp(logits - largest)
        self.total = self.total * shrink + share.sum(0)
        self.pooled = self.pooled * shrink.unsqueeze(1) + share.T @ rows
        self.largest = largest

    def result(self) -> tuple[Tensor, Tensor]:
        """Output ``[1, H * D]`` and attention ``[N, H]``, whose columns sum to 1."""
        pooled = self.pooled / self.total.unsqueeze(1)
        out = torch.einsum("hc,hdc->hd", pooled, self.weight).flatten().unsqueeze(0)
        attention = torch.exp(self.logits - self.largest) / self.total
        return self.layer.finish(out, self.residual), attention
