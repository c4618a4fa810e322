"""Slides of earlier steps, kept to be compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.objectives.supervised_contrast import Remembered


class SlideQueue(nn.Module):
    """The last vectors of slides and their classes, first in first out.

    All of it is state, so that a resumed run compares with the same slides. A term holds it as ``seen``, the
    place for what it learned of the training slides; such state is never taken from another run.

    Args:
        size: Number of slides Q that are kept.
        channels: Width of a vector.

    Units: 4 (channels + 2) bytes per slide in single precision.
    """

    embedding: Tensor
    labels: Tensor
    next: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("embedding", torch.zeros(size, channels))
        self.register_buffer("labels", torch.full((size,), -1))
        self.register_buffer("next", torch.zeros((), dtype=torch.int64))

    def forward(self) -> Remembered:
        """What is kept; places still empty have the label -1."""
        return Remembered(self.embedding, self.labels)

    @torch.no_grad()
    def push(self, embedding: Tensor, labels: Tensor) -> None:
        """Keep the slides of a step whose class is known, in place of the oldest.

        Args:
            embedding: ``[B, channels]``.
            labels: ``[B]`` class, -1 where unknown.
        """
        size, known = len(self.labels), labels >= 0
        kept, kept_labels = embedding[known][-size:], labels[known][-size:]
        places = (self.next + torch.arange(len(kept), device=self.next.device)) % size
        self.embedding[places] = kept.to(self.embedding)
        self.labels[places] = kept_labels.to(self.labels)
        self.next.copy_((self.next + len(kept)) % size)
