"""The patches of an epoch of contrast, positives first, and what each of them is called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.training.mining.mine import Mined

_ROWS = 1 << 32
"""No slide has as many patches: slide and row make one number."""


@dataclass(frozen=True)
class Pool:
    """Mined patches of all classes; each stands once.

    Args:
        slide: ``[M]`` int64, place of the slide in the list that was mined.
        patch: ``[M]`` int64, row of the patch in its slide.
        label: ``[M]`` int64, what the contrast calls it.
        positives: How many of them are positive; they come first.
    """

    slide: np.ndarray
    patch: np.ndarray
    label: np.ndarray
    positives: int

    def __len__(self) -> int:
        return len(self.slide)

    @property
    def keys(self) -> np.ndarray:
        """Slide and row as one number, ``[M]`` int64."""
        return self.slide * _ROWS + self.patch

    @property
    def digest(self) -> str:
        """sha256 of all of it."""
        found = hashlib.sha256(str(self.positives).encode())
        for part in (self.slide, self.patch, self.label):
            found.update(np.ascontiguousarray(part, "<i8").tobytes())
        return found.hexdigest()


def pool_of(
    mined: Mapping[int, Mined], labels: Sequence[int], *, background: int | None, num_classes: int
) -> Pool:
    """Join what was mined for each class.

    A positive is called by its class. A hard negative of a background slide is background, so all of them are
    alike. One of a slide of another class is only known not to be of the class that it was mined for: it is
    called by a name of its own, so that it is pushed away from others and pulled to its other view alone. A
    patch that is positive for its slide's class is no hard negative of others.

    Args:
        mined: What was mined, by class.
        labels: Class of each slide that was mined.
        background: Class of slides none of whose patches shows another; None where there is none.
        num_classes: Number of classes.
    """
    chosen = [mined[c].positives for c in mined]
    slide = np.concatenate([one.slide for one in chosen])
    patch = np.concatenate([one.patch for one in chosen])
    label = np.repeat(np.array(list(mined), np.int64), [len(one) for one in chosen])
    others = [mined[c].negatives for c in mined]
    hard = np.unique(np.concatenate([one.slide * _ROWS + one.patch for one in others]))
    hard = hard[~np.isin(hard, slide * _ROWS + patch)]
    where = hard // _ROWS
    named = num_classes + np.arange(len(hard), dtype=np.int64)
    if background is not None:
        named[np.asarray(labels, np.int64)[where] == background] = background
    return Pool(
        slide=np.concatenate([slide, where]),
        patch=np.concatenate([patch, hard % _ROWS]),
        label=np.concatenate([label, named]),
        positives=len(slide),
    )


def union(pools: Sequence[Pool]) -> np.ndarray:
    """Keys of all patches that stand in any of the pools, sorted: ``[U]`` int64."""
    return np.unique(np.concatenate([pool.keys for pool in pools]))


def by_slide(keys: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Sorted keys as rows of each slide.

    Returns: Place of a slide, and the rows ``[n]`` wanted of it, in order.
    """
    slide, patch = keys // _ROWS, keys % _ROWS
    places, starts = np.unique(slide, return_index=True)
    return list(zip(places.tolist(), np.split(patch, starts[1:]), strict=True))
