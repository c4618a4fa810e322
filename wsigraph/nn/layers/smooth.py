"""The smooth operator: rows of neighbouring nodes moved towards each other."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.layers.gcn import degree_scale


@dataclass(frozen=True)
class Neighbourhood:
    r"""I - L for the normalised Laplacian L of a graph.

    .. math::  (I - L)_{vu} = \frac{1}{\sqrt{d_u d_v}} \text{ for an edge } u \to v, \quad
               (I - L)_{vv} = 1 \text{ where no edge enters } v

    d counts incoming edges; one from a node that no edge enters weighs nothing.

    Args:
        adjacency: The edges, self-loops among them where the graph has them.
        weight: ``[E]`` one over the root of both degrees.
        alone: ``[N, 1]`` 1 for a node that no edge enters, else 0.
    """

    adjacency: Adjacency
    weight: Tensor
    alone: Tensor

    @classmethod
    def of(cls, adjacency: Adjacency, *, like: Tensor) -> Neighbourhood:
        """Of these edges, in the type of ``like``."""
        scale = degree_scale(adjacency, like=like)
        source, target = adjacency.edge_index[0], adjacency.edge_index[1]
        return cls(adjacency, scale[source] * scale[target], (scale == 0).to(like.dtype).unsqueeze(1))

    def __call__(self, rows: Tensor) -> Tensor:
        """The product with ``[N, C]``."""
        return aggregate(rows, adjacency=self.adjacency, weight=self.weight) + self.alone * rows

    @property
    def transposed(self) -> Neighbourhood:
        """The transpose, which is the same where every edge has its reverse."""
        order = self.adjacency.by_source.edge
        back = Adjacency(self.adjacency.edge_index.flip(0)[:, order], self.adjacency.num_nodes)
        return Neighbourhood(back, self.weight[order], self.alone)


def smooth(rows: Tensor, neighbourhood: Neighbourhood, *, alpha: Tensor | float, steps: int = 10) -> Tensor:
    r"""Smooth the rows over the graph.

    .. math::  g^0 = u, \quad g^{t+1} = (1 - \alpha)\, u + \alpha\, (I - L)\, g^t

    It approaches :math:`(I + \gamma L)^{-1} u` with :math:`\gamma = \alpha / (1 - \alpha)`, the rows g that
    are near u and differ little between neighbours (with g at most :math:`\alpha^{steps}` of the way off).
    The operator is linear in u. A node without neighbours keeps its row.

    Args:
        rows: ``[N, C]`` u.
        neighbourhood: I - L.
        alpha: Between 0, which changes nothing, and 1.
        steps: T, the number of iterations.

    Shape: ``[N, C]``; memory grows with the number of steps where gradients are wanted.
    Source: Castro-Macias et al. 2024 (operator Sm, approximate form) on the normalised graph of the authors'
        code. Differs: a node without neighbours keeps its row instead of
        shrinking by 1 - alpha per step (its entry of the Laplacian is 0, as Chung defines it).
    """
    out, share = rows, (1 - alpha) * rows
    for _ in range(steps):
        out = share + alpha * neighbourhood(out)
    return out
