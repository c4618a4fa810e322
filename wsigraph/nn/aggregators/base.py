"""What an aggregator is: all nodes of a slide to one bag vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.registry import Part


@dataclass(frozen=True)
class Aggregated:
    """A batch of bag vectors.

    Args:
        embedding: ``[B, out_channels]``.
        attention: ``[N, H]``, each column sums to 1 per slide; None where the method defines none.
        attention_logits: ``[N, H]`` before the softmax, or None.
        extras: What the method's own terms read, by name.
    """

    embedding: Tensor
    attention: Tensor | None = None
    attention_logits: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)


class Aggregator(nn.Module, Part, ABC, family="aggregator", package="wsigraph.nn.aggregators"):
    """Pools the nodes of each slide.

    Attributes:
        out_channels: Width of the bag vector.
        gives: Fields of ``Aggregated`` it fills beside ``embedding``, and names of its ``extras``.
        uses_edges: True where it reads edges.
        uses_pos: True where it reads positions.
        order_matters: Why the order of the patches changes the answer; empty where it does not.
    """

    out_channels: int
    gives: frozenset[str] = frozenset()
    uses_edges: bool = False
    uses_pos: bool = False
    order_matters: str = ""

    @abstractmethod
    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """x ``[N, C]`` and how it is divided into slides -> ``Aggregated``.

        Raises: GraphError: if a slide has no patch (``bags.require_rows``).
        """
