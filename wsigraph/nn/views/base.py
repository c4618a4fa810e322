"""What a view is: which rows one pass sees replaced, and what is added to the graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.registry import Part


@dataclass(frozen=True)
class Seen:
    """What one pass sees, after the stem.

    Args:
        h: ``[N + added, stem_channels]`` rows, the real nodes first.
        adjacency: Edges among real and added nodes.
        num_nodes: Number of real nodes N.
        mask: ``[N]`` bool, real rows that were replaced; None where the view replaces none.
    """

    h: Tensor
    adjacency: Adjacency
    num_nodes: int
    mask: Tensor | None = None


@dataclass(frozen=True)
class Nodes:
    """A batch of slides after the stem, before any view.

    Args:
        h: ``[N, stem_channels]`` rows.
        adjacency: Edges.
        batch: ``[N]`` slide of each node, sorted.
        num_graphs: Number of slides.
    """

    h: Tensor
    adjacency: Adjacency
    batch: Tensor
    num_graphs: int


class View(nn.Module, Part, ABC, family="view", package="wsigraph.nn.views"):
    """One way to look at the batch. It never copies ``x``: it works on the stem's rows.

    Attributes:
        base: Name of the view it is built on (shares its mask), or None for the plain batch.
        draws_mask: True where the view draws a mask (and accepts a given one).
    """

    base: str | None = None
    draws_mask: bool = False

    @abstractmethod
    def forward(
        self, nodes: Nodes, stem: Callable[[Tensor], Tensor], seen: Seen, mask: Tensor | None
    ) -> Seen:
        """Look at the batch.

        Args:
            nodes: The batch after the stem.
            stem: The encoder's row-wise part, for the view's own tokens.
            seen: What the base view saw (the plain batch where there is no base).
            mask: ``[N]`` bool, a given mask instead of a drawn one.
        """
