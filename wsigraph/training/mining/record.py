"""What one mining found, as plain numbers for a JSON file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wsigraph.training.mining.hard_negatives import Tier
from wsigraph.training.mining.positives import Counts

BINS = 20


@dataclass(frozen=True)
class Histogram:
    """Scores counted in bins of equal width.

    Args:
        edges: Edges of the bins, one more than counts.
        counts: Scores per bin; the last bin holds its upper edge.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, chunks: Iterable[np.ndarray]) -> Histogram:
        """Count the scores of each slide in bins from 0 to 1, or as far beyond as the scores reach."""
        held = [chunk for chunk in chunks if len(chunk)]
        low = min((float(chunk.min()) for chunk in held), default=0.0)
        high = max((float(chunk.max()) for chunk in held), default=1.0)
        edges = np.linspace(min(low, 0.0), max(high, 1.0), BINS + 1)
        counts = np.zeros(BINS, np.int64)
        for chunk in held:
            counts += np.histogram(chunk.astype(np.float64), edges)[0]
        return cls(tuple(edges.tolist()), tuple(counts.tolist()))


@dataclass(frozen=True)
class MiningRecord:
    """One mining of one class.

    Args:
        target: Class that was mined.
        epoch: Epoch it was mined in, counted from 0.
        ratio: Share of the patches of negative slides that are hard.
        share: Share of the candidates that are positive.
        floor: Score above which a patch of a positive slide is a candidate.
        unknown_slides: Slides of unknown class, left out.
        positives: What the slides of the class gave.
        tiers: What each group of other classes gave, nearest first.
        positive_scores: Scores of all patches of slides of the class.
        negative_scores: Scores of all patches of slides of other classes.
    """

    target: int
    epoch: int
    ratio: float
    share: float
    floor: float
    unknown_slides: int
    positives: Counts
    tiers: tuple[Tier, ...]
    positive_scores: Histogram
    negative_scores: Histogram

    @property
    def hard(self) -> int:
        """Number of hard negatives."""
        return sum(tier.taken for tier in self.tiers)

    @property
    def easy(self) -> int:
        """Number of patches of negative slides that are not hard: fine-tuning never reads them."""
        return sum(tier.patches - tier.taken for tier in self.tiers)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = _plain(dataclasses.asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MiningRecord:
        """The record that ``to_dict`` was asked of, also after a way through JSON."""
        held = dict(values)
        held["positives"] = Counts(**held["positives"])
        held["tiers"] = tuple(Tier(**{**tier, "classes": tuple(tier["classes"])}) for tier in held["tiers"])
        for name in ("positive_scores", "negative_scores"):
            held[name] = Histogram(**{key: tuple(part) for key, part in held[name].items()})
        return cls(**held)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
