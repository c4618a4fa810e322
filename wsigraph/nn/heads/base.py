"""What a head is: node embeddings of a batch of slides to one answer per slide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.registry import Part


class Head(nn.Module, Part, ABC, family="head", package="wsigraph.nn.heads"):
    """Answers one question about each slide.

    Attributes:
        gives: Fields of ``HeadOutput`` this head fills, and names of its ``extras``.
        reads: ``"nodes"``, or ``"supernodes"``: then x has one row per slide, and the model adds the
            encoder's attention into them where there is one.
        uses_edges: True where it reads edges itself.
        uses_pos: True where it reads positions.
        order_matters: Why the order of the patches changes the answer; empty where it does not.
        ordered: True where logits are log probabilities of classes that have an order.
        attends_by_class: True where attention has one column for each class.
        class_channels: Width of the extra ``class_embedding``, one vector per slide and class; 0 without.
    """

    gives: frozenset[str]
    reads: Literal["nodes", "supernodes"] = "nodes"
    uses_edges: bool = False
    uses_pos: bool = False
    order_matters: str = ""
    ordered: bool = False
    attends_by_class: bool = False
    class_channels: int = 0

    @abstractmethod
    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """x ``[N, C]`` (one row per slide where it reads supernodes) -> ``HeadOutput``."""
