"""Patches of each slide as a sequence, row by row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.data.bags import Bags


def raster_order(bags: Bags, *, where: str) -> Tensor:
    """Permutation that walks each slide from its top row to its bottom row, each row from left to right.

    Patches at one place keep their order.

    Args:
        bags: How the rows are divided into slides, with positions.
        where: Names who asks.

    Shape: ``[N]``; slides stay where they are, row i of the sequence is row ``order[i]`` of the given ones.
    Raises: GraphError: if there are no positions.
    """
    pos = bags.positions(where=where)
    order = torch.argsort(pos[:, 0], stable=True)
    order = order[torch.argsort(pos[order, 1], stable=True)]
    return order if bags.num_graphs == 1 else order[torch.argsort(bags.batch[order], stable=True)]


def permuted(rows: Tensor, order: Tensor) -> Tensor:
    """``rows[order]``, whose gradient is permuted back instead of being added up row by row.

    Args:
        rows: ``[N, ...]``.
        order: ``[N]``, each row once.

    Shape: ``[N, ...]``.
    """
    return rows.index_select(0, order) if torch.compiler.is_compiling() else _Permuted.apply(rows, order)


class _Permuted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (order,) = ctx.saved_tensors
        return permuted(grad, inverse_order(order)), None


def inverse_order(order: Tensor) -> Tensor:
    """The way back: ``rows[order][inverse_order(order)]`` is ``rows``."""
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=order.device)
    return back
