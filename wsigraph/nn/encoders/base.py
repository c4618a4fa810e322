"""What an encoder is: a row-wise stem, then message passing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.views.base import Seen
from wsigraph.registry import Part


@dataclass(frozen=True)
class Embedded:
    """What message passing made of one view.

    Args:
        nodes: ``[N, out_channels]`` real nodes; None where they were not asked for and not computed.
        supernodes: ``[B, out_channels]``, or None where the view has none.
        attention: ``[N, H]`` attention of the last layer from each patch into its slide's supernode, per
            head, each column summing to 1 per slide; None where the encoder defines none.
    """

    nodes: Tensor | None
    supernodes: Tensor | None = None
    attention: Tensor | None = None


class HubAnswer(Protocol):
    """A supernode's answer gathered from tiles of its patches."""

    def add(self, nodes: Tensor, rows: Tensor) -> None:
        """Rows ``[n, C]`` of the patches ``nodes`` (``[n]``); every patch once."""

    def result(self) -> tuple[Tensor, Tensor]:
        """The supernode's output ``[1, C']`` and its attention ``[N, H]`` over the patches."""


@dataclass(frozen=True)
class Round:
    """A part of message passing that looks a known number of edges far.

    Args:
        run: ``(h [N, C], adjacency) -> [N, C']``.
        hops: Edges that it looks far.
        into_hub: ``(row [1, C] of a supernode, number of patches) ->`` the same round at a supernode, from
            tiles; None where that needs all patches at once.
    """

    run: Callable[[Tensor, Adjacency], Tensor]
    hops: int
    into_hub: Callable[[Tensor, int], HubAnswer] | None = None


class Encoder(nn.Module, Part, ABC, family="encoder", package="wsigraph.nn.encoders"):
    """Node features to node embeddings.

    The stem is row-wise and runs once per training step, whatever the number of views;
    views replace rows of its output, then message passing runs once per view.

    Attributes:
        in_channels: Width the stem expects.
        stem_channels: Width between stem and message passing.
        out_channels: Width of the node embeddings.
        uses_edges: False for set encoders, which ignore edges.
        uses_pos: True where it reads positions.
        mixes: True where a patch hears its whole slide, see ``Mixer``.
        order_matters: Why the order of the patches changes the answer; empty where it does not.
        gives_attention: True where ``embed`` tells the attention into supernodes.
        num_hops: Edges that ``propagate`` looks far; None where that is not known, and slides are never cut.
    """

    in_channels: int
    stem_channels: int
    out_channels: int
    uses_edges: bool = True
    uses_pos: bool = False
    mixes: bool = False
    order_matters: str = ""
    gives_attention: bool = False
    num_hops: int | None = None

    @abstractmethod
    def stem(self, x: Tensor) -> Tensor:
        """Row-wise part: x ``[N, in_channels]`` -> ``[N, stem_channels]``."""

    def start(self) -> Callable[[Tensor], Tensor]:
        """The row-wise map that a view's rows come from: the stem, or a shorter way to the same answer.

        An encoder whose ``embed`` expects other rows where nothing is trained says so here.
        """
        return self.stem

    @abstractmethod
    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Message passing: h ``[N, stem_channels]``, E edges -> ``[N, out_channels]``.

        Self-loops are edges of the graph given here, never added by a layer.
        """

    def propagate_with_attention(self, h: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor | None]:
        """``propagate`` and the last layer's attention ``[E, H]``, None where there is none.

        Edges may stand in any order, in which their attention stands as well.
        """
        return self.propagate(h, adjacency), None

    def embed(self, seen: Seen, *, nodes: bool = True) -> Embedded:
        """Message passing over one view: the plain form, which a faster one must equal.

        Args:
            seen: The rows and edges of the view.
            nodes: False where only the supernodes will be read.
        """
        out = self.propagate(seen.h, seen.adjacency)
        if seen.supernodes is None:
            return Embedded(out)
        return Embedded(out[: seen.num_nodes] if nodes else None, out[seen.num_nodes :])

    def rounds(self) -> tuple[Round, ...]:
        """Message passing in parts, on the rows that ``start`` gives; empty where ``num_hops`` is not known.

        Short rounds let a slide be cut into tiles with a narrow halo.
        """
        return () if self.num_hops is None else (Round(self.propagate, self.num_hops),)

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Both parts in turn."""
        return self.propagate(self.stem(x), adjacency)
