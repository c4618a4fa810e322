"""What a layout of feature files is: recognised by content, read into one type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.registry import Part

NO_COORDS = np.empty((0, 2), dtype=np.int64)
"""Coordinates of features that have none."""


class Opened(Protocol):
    """A file or folder that was opened and checked before anything in it was believed.

    Attributes:
        path: Where it lies.
        where: How errors call it.
    """

    path: Path
    where: str

    def summary(self) -> str:
        """What lies in it, for the error about an unknown layout."""
        ...


@dataclass(frozen=True)
class RawFeatures:
    """What stands in the file, before rows are checked.

    Args:
        x: Features as stored, ``[N, C]``.
        coords: Coordinates as stored, ``[N, 2]``; ``[0, 2]`` where there are none.
        facts: Further fields of ``PatchFeatures``, only those known.
        notes: What the layout had to infer.
    """

    x: np.ndarray
    coords: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


File = TypeVar("File", bound=Opened)


class FeatureFormat(
    Part, ABC, Generic[File], family="feature format", package="wsigraph.io.features.formats"
):
    """One layout of feature files.

    Attributes:
        opens: What kind of opened file it reads: ``GuardedFile`` (HDF5), ``GuardedArrays`` (``.npy``,
            ``.npz``), ``GuardedTensors`` (``.pt``), ``GuardedTable`` (``.csv``), ``GuardedStore`` (zarr),
            ``GuardedFolder``.
        priority: Layouts are tried in ascending order; the ones with the surest marks come first.
    """

    opens: ClassVar[type]
    priority: ClassVar[int] = 50

    @abstractmethod
    def matches(self, file: File) -> bool:
        """Whether this file is in this layout, judged by its content."""

    @abstractmethod
    def read(self, file: File) -> RawFeatures:
        """Features, coordinates and the facts that the file states."""

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Put right what this layout is known to get wrong; by default nothing."""
        return features
