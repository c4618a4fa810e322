"""What a patch network is: a patch encoder that is trained, on pixels or on frozen features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from wsigraph.registry import Part


class PatchNetwork(nn.Module, Part, ABC, family="patch network", package="wsigraph.nn.patch_networks"):
    """Turns patches into rows and learns from two random views of each.

    The first argument of every constructor is the width of the frozen features; one that reads pixels takes
    it and ignores it.

    Attributes:
        reads: ``"features"``: raw patches are rows ``[n, in_channels]`` of a feature file; ``"pixels"``: they
            are uint8 images ``[n, H, W, 3]``.
        out_channels: Columns of the result.
    """

    reads: ClassVar[Literal["features", "pixels"]]
    out_channels: int

    @abstractmethod
    def plain(self, raw: Tensor) -> Tensor:
        """Raw patches as :meth:`forward` takes them, with nothing changed."""

    @abstractmethod
    def two_views(self, raw: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Two random views of raw patches, drawn from the generator alone, which is on their device."""

    @abstractmethod
    def forward(self, patches: Tensor) -> Tensor:
        """Patches as :meth:`plain` or :meth:`two_views` gave them -> ``[n, out_channels]``."""

    @torch.no_grad()
    def encode(self, raw: Tensor) -> Tensor:
        """Rows of raw patches, ``[n, out_channels]`` float32; call it in evaluation mode."""
        return self(self.plain(raw)).float()
