"""A slide as a sequence that selective state spaces run along."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.mamba import MambaBlock, SRMambaBlock
from wsigraph.nn.layers.raster import inverse_order, raster_order


class Sequential(Mixer):
    r"""Embed each patch, then blocks along the patches in raster order, each beside a residual.

    .. math::  h_0 = \mathrm{drop}(\mathrm{GELU}(W x)), \quad h_{l+1} = h_l + \mathrm{block}(\mathrm{LN}\,h_l)

    and a LayerNorm at the end.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        num_layers: Number of blocks.
        dropout: Dropout of the embedding.
        make: Width -> a block over one sequence.
    """

    uses_pos = True

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        *,
        num_layers: int,
        dropout: float,
        make: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise RecipeError(expected(f"Encoder '{self.name}'", "at least 1 layer", f"{num_layers}"))
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.after = nn.Sequential(nn.GELU(), nn.Dropout(dropout))
        self.blocks = nn.ModuleList(make(hidden_channels) for _ in range(num_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(num_layers + 1))

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Activate each patch, then along the patches of its slide."""
        order = raster_order(bags, where=f"Encoder '{self.name}'")
        rows = self.after(h.index_select(0, order))
        mixed = torch.cat([self._slide(slide) for slide in bags.split(rows)])
        return mixed.index_select(0, inverse_order(order))

    def _slide(self, h: Tensor) -> Tensor:
        *norms, last = self.norms
        for norm, block in zip(norms, self.blocks, strict=True):
            h = h + block(norm(h))
        return last(h)


class Mamba(Sequential, name="mamba"):
    r"""Mamba blocks along the patches in raster order: each hears those before it.

    .. math::  h_{l+1} = h_l + \mathrm{Mamba}(\mathrm{LN}\,h_l)

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        num_layers: Number of blocks.
        states: States of each inner channel; there are twice as many inner channels as hidden ones.
        dropout: Dropout of the embedding.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``; linear in time and memory.
    Raises: RecipeError: if there is no layer. GraphError: if there are no positions.
    Source: Gu and Dao 2023, over patches as in MambaMIL's comparison (Yang et al. 2024). Differs: patches
        in raster order, where MambaMIL's code takes the order of the file, so the answer does not depend on
        it.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 512,
        num_layers: int = 2,
        states: int = 16,
        dropout: float = 0.25,
    ) -> None:
        super().__init__(
            in_channels,
            hidden_channels,
            num_layers=num_layers,
            dropout=dropout,
            make=lambda width: MambaBlock(width, states=states),
        )


class SRMamba(Sequential, name="sr_mamba"):
    r"""Mamba blocks that run along the patches in raster order and along every tenth of them.

    .. math::  h_{l+1} = h_l + \mathrm{SRMamba}(\mathrm{LN}\,h_l)

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        num_layers: Number of blocks.
        stride: Patches from one to the next in the second order.
        states: States of each inner channel; there are twice as many inner channels as hidden ones.
        dropout: Dropout of the embedding.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``; linear in time and memory.
    Raises: RecipeError: if there is no layer or no stride. GraphError: if there are no positions.
    Source: Yang et al. 2024 (MambaMIL), and the authors' code (commit 79a67eb). Differs: patches
        in raster order, where the authors' code takes the order of the file, so the answer does not depend
        on it; steps keep Mamba's start, which the authors' code overwrites.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 512,
        num_layers: int = 2,
        stride: int = 10,
        states: int = 16,
        dropout: float = 0.25,
    ) -> None:
        if stride < 1:
            raise RecipeError(expected("Encoder 'sr_mamba'", "a stride of at least 1", f"{stride}"))
        super().__init__(
            in_channels,
            hidden_channels,
            num_layers=num_layers,
            dropout=dropout,
            make=lambda width: SRMambaBlock(width, stride=stride, states=states),
        )
