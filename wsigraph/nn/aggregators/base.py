"""What an aggregator is: all nodes of a slide to one bag vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from wsigraph.registry import Part


@dataclass(frozen=True)
class Aggregated:
    """A batch of bag vectors.

    Args:
        embedding: ``[B, out_channels]``.
        attention: ``[N, H]``, each column sums to 1 per slide; None where the method defines none.
        attention_logits: ``[N, H]`` before the softmax, or None.
    """

    embedding: Tensor
    attention: Tensor | None = None
    attention_logits: Tensor | None = None


class Aggregator(nn.Module, Part, ABC, family="aggregator", package="wsigraph.nn.aggregators"):
    """Pools the nodes of each slide.

    Attributes:
        out_channels: Width of the bag vector.
        gives_attention: True where ``attention`` is not None.
    """

    out_channels: int
    gives_attention: bool = False

    @abstractmethod
    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> Aggregated:
        """x ``[N, C]``, batch ``[N]`` (sorted) -> ``Aggregated``."""
