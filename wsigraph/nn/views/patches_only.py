"""Another view without its supernodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from wsigraph.nn.views.base import Nodes, Seen, View


class PatchesOnly(View, name="patches_only"):
    """Strip the supernodes of another view; its mask and token stay.

    Args:
        in_channels: Channels of each patch (unused).
        base: The view to strip.

    Source: SRMIL (Wu et al. 2026), whose reconstruction pass has no supernode.
    """

    supernodes = "strips"

    def __init__(self, in_channels: int, *, base: str | None = None) -> None:
        super().__init__()
        self.base = base

    def forward(
        self, nodes: Nodes, stem: Callable[[Tensor], Tensor], seen: Seen, mask: Tensor | None
    ) -> Seen:
        """The base among the patches alone."""
        return replace(seen, adjacency=nodes.adjacency, supernodes=None)
