"""One more node per slide, joined with every patch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from wsigraph.nn.views.base import Nodes, Seen, View


class Supernode(View, name="supernode"):
    """Add one node per slide with a learned token, edges to and from every patch and none to itself.

    The token goes through the stem like any row. The node's embedding answers for the slide (head
    ``supernode``); it is stripped from node outputs.

    Args:
        in_channels: Channels of each patch.
        token_std: Standard deviation of the token's start.
        base: The view it is built on; the plain batch where None.

    Source: SRMIL (Wu et al. 2026), token from N(0, 0.01^2).
    """

    supernodes = "adds"

    def __init__(self, in_channels: int, *, token_std: float = 0.01, base: str | None = None) -> None:
        super().__init__()
        self.base = base
        self.token = nn.Parameter(torch.randn(1, in_channels) * token_std)

    def forward(
        self, nodes: Nodes, stem: Callable[[Tensor], Tensor], seen: Seen, mask: Tensor | None
    ) -> Seen:
        """Add the nodes."""
        row = stem(self.token).to(seen.values.dtype)
        return replace(seen, adjacency=nodes.with_supernodes, supernodes=row.expand(nodes.num_graphs, -1))
