"""What a view is: which rows one pass sees replaced, and what is added to the graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags
from wsigraph.registry import Part


@dataclass(frozen=True)
class Seen:
    """What one pass sees, after the stem; the stem's rows are shared by all passes, never copied.

    Args:
        values: ``[N, stem_channels]`` the stem's rows of the real nodes.
        adjacency: Edges among real nodes, then supernodes.
        mask: ``[N]`` bool, real rows that were replaced; None where the view replaces none.
        token: ``[1, stem_channels]`` what stands in masked rows.
        supernodes: ``[B, stem_channels]`` one more node per slide, nodes N, N + 1, ...; None for none.
        room: ``[N + B, stem_channels]`` that begins with ``values`` and has room for supernodes, or None.
        bags: How the real nodes are divided into slides; one slide where None.
    """

    values: Tensor
    adjacency: Adjacency
    mask: Tensor | None = None
    token: Tensor | None = None
    supernodes: Tensor | None = None
    room: Tensor | None = None
    bags: Bags | None = None

    @property
    def num_nodes(self) -> int:
        """Number of real nodes N."""
        return self.values.shape[0]

    @cached_property
    def h(self) -> Tensor:
        """All rows written out, ``[N + B, stem_channels]``."""
        rows = self.values
        if self.room is not None and self.mask is None and self.supernodes is not None:
            self.room[self.num_nodes :] = self.supernodes
            return self.room
        if self.mask is not None and self.token is not None:
            rows = torch.where(self.mask.unsqueeze(1), self.token, rows)
        return rows if self.supernodes is None else torch.cat([rows, self.supernodes])


@dataclass(frozen=True)
class Nodes:
    """A batch of slides after the stem, before any view.

    Args:
        h: ``[N, stem_channels]`` rows.
        adjacency: Edges.
        batch: ``[N]`` slide of each node, sorted.
        num_graphs: Number of slides.
        pos: ``[N, 2]`` patch centres in level-0 px, or None where the batch has none.
        inputs: ``[N, in_channels]`` standardised features, or None where they are never there as a whole.
        room: ``[N + B, stem_channels]`` that begins with h and has room for supernodes, or None.
        attention: ``[N]`` where views that ran before look, by name (None where a view has no attention).
        done: Share of the epochs that lies behind: 0 in the first, 1 in the last.
    """

    h: Tensor
    adjacency: Adjacency
    batch: Tensor
    num_graphs: int
    pos: Tensor | None = None
    inputs: Tensor | None = None
    room: Tensor | None = None
    attention: dict[str, Tensor | None] = field(default_factory=dict)
    done: float = 1.0

    @cached_property
    def bags(self) -> Bags:
        """How the nodes are divided into slides."""
        return Bags(self.batch, self.num_graphs, self.adjacency, self.pos)

    @cached_property
    def plain(self) -> Seen:
        """The batch as it is, from which views start."""
        return Seen(self.h, self.adjacency, room=self.room, bags=self.bags)

    @cached_property
    def with_supernodes(self) -> Adjacency:
        """The edges and one supernode per slide, derived once for all views."""
        return self.adjacency.with_hubs(self.batch, self.num_graphs)


class View(nn.Module, Part, ABC, family="view", package="wsigraph.nn.views"):
    """One way to look at the batch. It never copies ``x``: it works on the stem's rows.

    Attributes:
        base: Name of the view it is built on (shares its mask), or None for the plain batch.
        attends: Name of the view whose attention it asks for (``nodes.attention``), or None.
        draws_mask: True where the view draws a mask (and accepts a given one).
        supernodes: ``"adds"`` one per slide, ``"strips"`` them, or ``"keeps"`` what its base has.
    """

    base: str | None = None
    attends: str | None = None
    draws_mask: bool = False
    supernodes: Literal["adds", "keeps", "strips"] = "keeps"

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
