"""DeepGraphConv's encoder as Patch-GCN compares with it: sums through small networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn.functional import linear, relu

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.kernels.aggregate import aggregate


class DeepGraphConv(Encoder, name="deepgraphconv"):
    r"""Graph isomorphism layers without residual and norm, a ReLU after each.

    .. math::  h^{l+1}_v = \mathrm{ReLU}(V_l\, \mathrm{ReLU}(W_l (h^l_v + \sum_{u \to v} h^l_u) + b_l) + c_l),
               \quad h^0 = x

    Sums commute with W, so the stem is :math:`W_0 x` and the first sum runs over the thinner rows.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers.
        num_layers: Rounds of message passing.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if there is no layer.
    Source: Li et al. 2018 (DeepGraphSurv) as the baseline in the code of Chen et al. 2021. Differs: from the
        former, which convolves spectrally, by Chebyshev polynomials of a Laplacian that a learned metric of
        the features makes; from the latter, nothing in what is computed.
    """

    def __init__(self, in_channels: int, *, hidden_channels: int = 256, num_layers: int = 3) -> None:
        super().__init__()
        if num_layers < 1:
            raise RecipeError(expected("Encoder 'deepgraphconv'", "at least 1 layer", f"{num_layers}"))
        self.in_channels, self.num_hops = in_channels, num_layers
        self.stem_channels = self.out_channels = hidden_channels
        widths = (in_channels, *(hidden_channels,) * (num_layers - 1))
        self.first = nn.ModuleList(nn.Linear(width, hidden_channels) for width in widths)
        self.second = nn.ModuleList(nn.Linear(hidden_channels, hidden_channels) for _ in widths)

    def stem(self, x: Tensor) -> Tensor:
        """The first matrix: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return linear(x, cast(nn.Linear, self.first[0]).weight)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Sums, then the rest of each network."""
        layers = zip(cast(Sequence[nn.Linear], self.first), self.second, strict=True)
        for number, (first, second) in enumerate(layers):
            mapped = h if number == 0 else linear(h, first.weight)
            h = relu(second(relu(mapped + aggregate(mapped, adjacency=adjacency) + first.bias)))
        return h
