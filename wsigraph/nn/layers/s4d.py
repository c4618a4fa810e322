"""A diagonal state space along a sequence, as one convolution."""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn


def s4d_kernel(length: int, *, step: Tensor, pole: Tensor, weight: Tensor) -> Tensor:
    r"""The answer of a diagonal state space to a unit impulse.

    .. math::  K_l = 2\,\mathrm{Re} \sum_s w_s \frac{e^{\Delta a_s} - 1}{a_s}\, e^{l \Delta a_s}

    The powers are products of a coarse and a fine one, so that memory grows with ``length`` for each channel
    and not for each state.

    Args:
        length: Number of places L.
        step: Delta ``[C]``, positive.
        pole: a ``[C, S]``, complex, with negative real parts.
        weight: w ``[C, S]``, complex.

    Shape: ``[C, L]``, real.
    Source: Gu et al. 2022 (S4D), section 3, zero-order hold; every pole stands for its conjugate too.
    """
    scaled = pole * step.unsqueeze(1)
    fine = math.isqrt(max(length - 1, 0)) + 1
    coarse = -(-length // fine)
    places = torch.arange(max(fine, coarse), device=step.device, dtype=step.dtype)
    near = torch.exp(scaled.unsqueeze(2) * places[:fine])  # [C, S, fine]
    far = torch.exp(scaled.unsqueeze(1) * (places[:coarse, None] * fine))  # [C, coarse, S]
    scale = (weight * torch.expm1(scaled) / pole).unsqueeze(1)
    return 2 * ((far * scale) @ near).real.flatten(1)[:, :length]


def causal_convolution(rows: Tensor, kernel: Tensor) -> Tensor:
    r"""Every row and those before it, weighed channel by channel.

    .. math::  y_k = \sum_{l \le k} K_l\, x_{k-l}

    Shape: rows ``[n, C]``, kernel ``[C, n]`` -> ``[n, C]``; n log n in time, n in memory.
    """
    n = len(rows)
    size = next_fast_len(2 * n - 1, real=True)
    spectrum = torch.fft.rfft(rows.T, n=size) * torch.fft.rfft(kernel, n=size)
    return torch.fft.irfft(spectrum, n=size)[:, :n].T


class S4D(nn.Module):
    r"""A diagonal state space for each channel of a sequence, then a gated linear map of the channels.

    .. math::  h_k = e^{\Delta a} h_{k-1} + \frac{e^{\Delta a} - 1}{a} x_k, \quad
        y_k = 2\,\mathrm{Re}(w^\top h_k) + d\, x_k, \quad \mathrm{GLU}(W\,\mathrm{GELU}(y) + b)

    Computed as a convolution by Fourier transforms, in single precision at least.

    Args:
        channels: Channels of each row.
        states: States of each channel, of which half are kept: the others are their conjugates.
        dropout: Dropout between GELU and the linear map.

    Shape: one sequence ``[n, channels]`` -> ``[n, channels]``; n log n in time, n in memory.
    Source: Gu et al. 2022 (S4D), started as S4D-Lin. Differs: trained at the rate and weight decay
        of all other weights.
    """

    def __init__(self, channels: int, *, states: int = 32, dropout: float = 0.0) -> None:
        super().__init__()
        kept = max(states // 2, 1)
        low, high = math.log(1e-3), math.log(1e-1)
        self.log_step = nn.Parameter(torch.rand(channels) * (high - low) + low)
        self.log_decay = nn.Parameter(torch.full((channels, kept), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(kept).repeat(channels, 1))
        self.weight = nn.Parameter(torch.randn(channels, kept, 2) * math.sqrt(0.5))
        self.skip = nn.Parameter(torch.randn(channels))
        self.after = nn.Sequential(
            nn.GELU(), nn.Dropout(dropout), nn.Linear(channels, 2 * channels), nn.GLU(dim=-1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """One sequence."""
        kind = torch.promote_types(x.dtype, torch.float32)
        with torch.autocast(x.device.type, enabled=False):
            rows = x.to(kind)
            rows = causal_convolution(rows, self.kernel(len(x))) + self.skip * rows
        return self.after(rows)

    def kernel(self, length: int) -> Tensor:
        """The convolution's kernel ``[channels, length]``."""
        return s4d_kernel(
            length,
            step=self.log_step.exp(),
            pole=torch.complex(-self.log_decay.exp(), self.frequency),
            weight=torch.view_as_complex(self.weight),
        )
