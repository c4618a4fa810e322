"""What a layout of feature files is: recognised by content, read into one type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.guard import GuardedFile
from wsigraph.registry import Part


@dataclass(frozen=True)
class RawFeatures:
    """What stands in the file, before rows are checked.

    Args:
        x: Features as stored, ``[N, C]``.
        coords: Coordinates as stored, ``[N, 2]``.
        facts: Further fields of ``PatchFeatures``, only those known.
        notes: What the layout had to infer.
    """

    x: np.ndarray
    coords: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class FeatureFormat(Part, ABC, family="feature format", package="wsigraph.io.features.formats"):
    """One layout of feature files.

    Attributes:
        priority: Layouts are tried in ascending order; the ones with the surest marks come first.
    """

    priority: ClassVar[int] = 50

    @abstractmethod
    def matches(self, file: GuardedFile) -> bool:
        """Whether this file is in this layout, judged by its content."""

    @abstractmethod
    def read(self, file: GuardedFile) -> RawFeatures:
        """Features, coordinates and the facts that the file states."""

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Put right what this layout is known to get wrong; by default nothing."""
        return features
