"""What a head is: node embeddings of a batch of slides to one answer per slide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.registry import Part


class Head(nn.Module, Part, ABC, family="head", package="wsigraph.nn.heads"):
    """Answers one question about each slide.

    Attributes:
        gives: Fields of ``HeadOutput`` this head fills.
        reads: ``"nodes"``, or ``"supernodes"``: then x has one row per slide, and the model adds the
            encoder's attention into them where there is one.
    """

    gives: frozenset[str]
    reads: Literal["nodes", "supernodes"] = "nodes"

    @abstractmethod
    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> HeadOutput:
        """x ``[N, C]``, batch ``[N]`` -> ``HeadOutput``."""
