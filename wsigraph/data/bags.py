"""How the rows of a batch are divided into slides, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import GraphError, expected


@dataclass(frozen=True, eq=False)
class Bags:
    """The slides of a batch: rows of one slide stand together.

    Args:
        batch: ``[N]`` slide of each row, sorted.
        num_graphs: Number of slides B.
        edges: Edges among the rows, or None where there are none to read.
        pos: ``[N, 2]`` patch centres (x, y) in level-0 px, or None where the batch has none.
    """

    batch: Tensor
    num_graphs: int
    edges: Adjacency | None = field(default=None, repr=False)
    pos: Tensor | None = field(default=None, repr=False)

    @classmethod
    def of_sizes(cls, sizes: Sequence[int], *, device: torch.device | str | None = None) -> Bags:
        """Slides of so many rows each, without edges and positions."""
        counts = torch.tensor(sizes, device=device)
        return cls(torch.repeat_interleave(torch.arange(len(sizes), device=device), counts), len(sizes))

    @cached_property
    def counts(self) -> Tensor:
        """Rows of each slide, ``[B]``."""
        zero = self.batch.new_zeros(self.num_graphs)
        return zero.index_add_(0, self.batch, torch.ones_like(self.batch))

    @cached_property
    def sizes(self) -> list[int]:
        """Rows of each slide."""
        return self.counts.tolist()

    def split(self, rows: Tensor) -> tuple[Tensor, ...]:
        """``[N, ...]`` -> the rows of each slide, views of one tensor."""
        return (rows,) if self.num_graphs == 1 else rows.split(self.sizes)

    def sum(self, rows: Tensor) -> Tensor:
        """``[N, C]`` -> sum over each slide ``[B, C]``."""
        return rows.new_zeros(self.num_graphs, *rows.shape[1:]).index_add_(0, self.batch, rows)

    def mean(self, rows: Tensor) -> Tensor:
        """``[N, C]`` -> mean over each slide ``[B, C]``."""
        return self.sum(rows) / self.counts.view(-1, *[1] * (rows.ndim - 1))

    def adjacency(self, *, where: str) -> Adjacency:
        """The edges.

        Raises: GraphError: if the batch has none to read; ``where`` names who asks.
        """
        if self.edges is None:
            raise GraphError(expected(where, "a batch with edges", "none"))
        return self.edges

    def positions(self, *, where: str) -> Tensor:
        """The positions ``[N, 2]``.

        Raises: GraphError: if the batch has none; ``where`` names who asks.
        """
        if self.pos is None:
            raise GraphError(
                expected(
                    where,
                    "patches with coordinates",
                    "none",
                    todo="Use a method that reads none, see 'wsigraph models'.",
                )
            )
        return self.pos

    def require_rows(self, *, where: str) -> None:
        """Refuse slides without a row; an exported program cannot ask.

        Raises: GraphError: naming the slides of the batch that have none.
        """
        if torch.compiler.is_exporting():
            return
        if self.num_graphs == 0 or 0 in self.sizes:
            empty = [slide for slide, size in enumerate(self.sizes) if not size]
            raise GraphError(
                expected(where, "at least one patch in every slide", f"none in slides {empty} of the batch")
            )
