"""A linear map of rows that can write its answer where it is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RowMap:
    """``W x + b`` of each row.

    Args:
        weight: ``[O, C]`` W.
        bias: ``[O]`` b.
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """``[N, C]`` -> ``[N, O]``."""
        return torch.addmm(self.bias, x, self.weight.T)

    def into(self, x: Tensor, out: Tensor) -> None:
        """The same, written to ``out``."""
        torch.addmm(self.bias, x, self.weight.T, out=out)
