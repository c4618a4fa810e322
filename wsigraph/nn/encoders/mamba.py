"""A slide as a sequence that selective state spaces run along."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.sequenced import Sequenced
from wsigraph.nn.layers.mamba import MambaBlock, SRMambaBlock


class Blocks(Sequenced):
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

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        *,
        num_layers: int,
        dropout: float,
        make: Callable[[int], nn.Module],
    ) -> None:
        super().__init__(in_channels, hidden_channels, activation=nn.GELU(), dropout=dropout)
        if num_layers < 1:
            raise RecipeError(expected(f"Encoder '{self.name}'", "at least 1 layer", f"{num_layers}"))
        self.blocks = nn.ModuleList(make(hidden_channels) for _ in range(num_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(num_layers + 1))

    def along(self, rows: Tensor) -> Tensor:
        """Block after block along one slide."""
        h = rows
        *norms, last = self.norms
        for norm, block in zip(norms, self.blocks, strict=True):
            h = h + block(norm(h))
        return last(h)


class Mamba(Blocks, name="mamba"):
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


class SRMamba(Blocks, name="sr_mamba"):
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
