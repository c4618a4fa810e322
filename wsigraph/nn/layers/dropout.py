"""Dropout as a layer that keeps no mask."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.nn.kernels.dropout import dropout


class Dropout(nn.Dropout):
    """``kernels.dropout`` in training, nothing otherwise: on a CPU no mask stands beside the rows.

    Args:
        p: Probability of setting a number to 0.

    Shape: ``[..., C]`` -> the same.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Drop."""
        return dropout(input, self.p if self.training else 0.0)
