"""One attention and one vector of a slide for each class."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch_geometric.utils import softmax

from wsigraph.data.bags import Bags
from wsigraph.nn.layers.weighted_sums import weighted_sums


@dataclass(frozen=True, eq=False)
class ClassPooled:
    """A batch pooled once for each class.

    Args:
        embedding: ``[B, K, C]`` one vector per slide and class.
        attention: ``[N, K]``, each column sums to 1 per slide.
    """

    embedding: Tensor
    attention: Tensor


def class_pool(scores: Tensor, x: Tensor, bags: Bags, *, where: str) -> ClassPooled:
    r"""Weigh the patches of each slide by a softmax over it, class by class, and sum them.

    .. math::  a_{ic} = \mathrm{softmax}_i\; s_{ic}, \quad z_c = \sum_i a_{ic} x_i

    Args:
        scores: ``[N, K]``.
        x: ``[N, C]``.
        bags: How the rows are divided into slides.
        where: The part that asks, as errors call it.

    Raises: GraphError: if a slide has no node.
    """
    bags.require_rows(where=where)
    attention = softmax(scores, bags.batch, num_nodes=bags.num_graphs)
    return ClassPooled(weighted_sums(attention, x, bags), attention)
