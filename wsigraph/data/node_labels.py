"""What is known of each patch of a slide, where patches and not slides are answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.errors import CohortError, expected


@dataclass(frozen=True)
class NodeLabels:
    """Names and classes of the patches of one slide, in the order of its feature file.

    Args:
        names: Name of each patch, as answers call it: ``"<slide_id>_<name>"``.
        targets: ``[N]`` int64, index of each patch's class; -1 where it is unknown: such a patch is seen by
            its neighbours, and stands in no loss and no score.

    Raises: CohortError: if there is not one name per patch, or a name stands twice.
    """

    names: tuple[str, ...]
    targets: np.ndarray

    def __post_init__(self) -> None:
        if self.targets.shape != (len(self.names),):
            got = f"{list(self.targets.shape)}"
            raise CohortError(expected("NodeLabels", f"targets of shape [{len(self.names)}]", got))
        if len(set(self.names)) != len(self.names):
            got = f"{len(self.names) - len(set(self.names))} of {len(self.names)} again"
            raise CohortError(expected("NodeLabels", "each name once", got))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def known(self) -> np.ndarray:
        """Rows whose class is known, rising."""
        return np.flatnonzero(self.targets >= 0)
