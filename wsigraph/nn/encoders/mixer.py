"""Encoders in which a patch may hear every patch of its slide."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags
from wsigraph.nn.encoders.base import Embedded, Encoder
from wsigraph.nn.views.base import Seen


class Mixer(Encoder):
    """A row-wise stem, then rows of one slide mixed: attention over the slide, a sequence, learned edges.

    It needs to know which rows belong together, which message passing reads from its edges. It takes no
    supernodes, and slides are never cut for it. Subclasses write ``mix`` and say whether they read edges or
    positions.
    """

    uses_edges = False
    mixes = True

    @abstractmethod
    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """h ``[N, stem_channels]`` and how it is divided into slides -> ``[N, out_channels]``."""

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """The rows of one slide, without positions."""
        batch = torch.zeros(h.shape[0], dtype=torch.long, device=h.device)
        return self.mix(h, Bags(batch, 1, adjacency))

    def embed(self, seen: Seen, *, nodes: bool = True) -> Embedded:
        """One view of a batch of slides."""
        if seen.bags is None:
            return Embedded(self.propagate(seen.h, seen.adjacency))
        return Embedded(self.mix(seen.h, seen.bags))
