"""Mamba's block: a short convolution, a selective state space and a gate along a sequence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wsigraph.nn.kernels.gated_skip import gated_skip
from wsigraph.nn.kernels.selective_scan import selective_scan
from wsigraph.nn.kernels.short_conv import short_conv_silu
from wsigraph.nn.kernels.softplus import softplus
from wsigraph.nn.layers.raster import inverse_order, permuted


class SelectiveBranch(nn.Module):
    r"""What a block does along one order of its rows.

    .. math::  u = \mathrm{SiLU}(\mathrm{conv}(x)), \quad (r, B, C) = W u, \quad
        \Delta = \mathrm{softplus}(W_\Delta r + b_\Delta), \quad
        y = (\mathrm{scan}(u; \Delta, A, B, C) + D \odot u) \odot \mathrm{SiLU}(z)

    Args:
        channels: Inner channels.
        states: States of each channel.
        rank: Channels that the steps are read from.
        kernel: Rows that the convolution spans, the last of them the row itself.

    Shape: rows x and gates z side by side ``[n, 2 * channels]`` -> ``[n, channels]``.
    Source: Gu and Dao 2023, section 3.4, and the authors' code for what it starts from.
    """

    def __init__(self, channels: int, *, states: int, rank: int, kernel: int) -> None:
        super().__init__()
        self.channels, self.states, self.rank = channels, states, rank
        self.before = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.select = nn.Linear(channels, rank + 2 * states, bias=False)
        self.step = nn.Linear(rank, channels)
        self.log_decay = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(channels, 1))
        self.skip = nn.Parameter(torch.ones(channels))
        self.reset_step()

    def reset_step(self) -> None:
        """Steps start between 0.001 and 0.1, evenly in their logarithm."""
        bound = self.rank**-0.5
        nn.init.uniform_(self.step.weight, -bound, bound)
        low, high = math.log(1e-3), math.log(1e-1)
        with torch.no_grad():
            steps = torch.exp(torch.rand(self.channels) * (high - low) + low)
            self.step.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # softplus takes it back

    def forward(self, packed: Tensor) -> Tensor:
        """Along the order given."""
        x, gate = packed.chunk(2, -1)
        u = short_conv_silu(x, self.before.weight[:, 0], self.before.bias)  # type: ignore[arg-type]
        rank, write, read = self.select(u).split([self.rank, self.states, self.states], -1)
        step = softplus(self.step(rank))
        y = selective_scan(u, step, decay=-self.log_decay.exp(), write=write, read=read)
        return gated_skip(y, u, self.skip, gate)


class MambaBlock(nn.Module):
    r"""Widen, run along the sequence, and narrow.

    .. math::  W_{out}\,\mathrm{branch}(W_{in} x)

    Args:
        channels: Channels of each row.
        states: States of each inner channel.
        kernel: Rows that the convolution spans.
        widening: Inner channels over ``channels``.

    Shape: one sequence ``[n, channels]`` -> ``[n, channels]``; a row hears itself and those before it. Linear
        in n, in time and memory.
    Source: Gu and Dao 2023, Figure 3.
    """

    def __init__(self, channels: int, *, states: int = 16, kernel: int = 4, widening: int = 2) -> None:
        super().__init__()
        inner, rank = widening * channels, math.ceil(channels / 16)
        self.widen = nn.Linear(channels, 2 * inner, bias=False)
        self.branch = SelectiveBranch(inner, states=states, rank=rank, kernel=kernel)
        self.narrow = nn.Linear(inner, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """One sequence."""
        return self.narrow(self.branch(self.widen(x)))


class SRMambaBlock(MambaBlock):
    r"""A block with a second branch of its own weights, which takes every ``stride``-th row first.

    .. math::  W_{out}\,(\mathrm{branch}(W_{in} x) + P^{-1}\,\mathrm{branch}'(P\, W_{in} x))

    Args:
        channels: Channels of each row.
        stride: Rows between one row and the next in the second branch.
        states, kernel, widening: As in ``MambaBlock``.

    Shape: one sequence ``[n, channels]`` -> ``[n, channels]``. Linear in n.
    Source: Yang et al. 2024 (MambaMIL), SR-Mamba. Differs: no zero rows fill the sequence up to a
        multiple of the stride.
    """

    def __init__(
        self, channels: int, *, stride: int = 10, states: int = 16, kernel: int = 4, widening: int = 2
    ) -> None:
        super().__init__(channels, states=states, kernel=kernel, widening=widening)
        self.stride = stride
        inner, rank = widening * channels, math.ceil(channels / 16)
        self.strided = SelectiveBranch(inner, states=states, rank=rank, kernel=kernel)

    def forward(self, x: Tensor) -> Tensor:
        """One sequence."""
        packed = self.widen(x)
        order = strided_order(len(x), self.stride, device=x.device)
        strided = permuted(self.strided(permuted(packed, order)), inverse_order(order))
        return self.narrow(self.branch(packed) + strided)


def strided_order(num_rows: int, stride: int, *, device: torch.device | None = None) -> Tensor:
    """Rows 0, s, 2s, ..., 1, s + 1, ... of a sequence, ``[n]``."""
    return torch.argsort(torch.arange(num_rows, device=device) % stride, stable=True)
