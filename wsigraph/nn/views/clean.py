"""The batch as it is."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from wsigraph.nn.views.base import Nodes, Seen, View


class Clean(View, name="clean"):
    """Replace nothing, add nothing."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()

    def forward(
        self, nodes: Nodes, stem: Callable[[Tensor], Tensor], seen: Seen, mask: Tensor | None
    ) -> Seen:
        """The base as it is."""
        return seen
