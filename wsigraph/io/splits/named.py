"""Splits by the names of slides, as files hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wsigraph.training.splits import Split

SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class NamedSplit:
    """Slides on each side of one fold, by name.

    Args:
        repeat: Repeat of the cross-validation, from 0.
        fold: Fold within the repeat, from 0.
        train: Slides the model learns from.
        val: Slides that choose the epoch; none where the file names none.
        test: Slides that are answered once, at the end.
    """

    repeat: int
    fold: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def sides(self) -> dict[str, tuple[str, ...]]:
        """Slides by side."""
        return {"train": self.train, "val": self.val, "test": self.test}


@dataclass(frozen=True)
class SplitSet:
    """All splits of one file or folder.

    Args:
        splits: The splits, in order of repeat and fold.
        where: The file, as errors call it.
        kind: How they were drawn; empty where unknown.
        manifest: Name of the manifest they were drawn for; empty where unknown.
        sha256: Hash of that manifest; empty where unknown.
        checked: What was looked for across their sides, and not found.
        overlap: Patients that stand on several sides and are to stay there, as in an official split that
            leaks.
    """

    splits: tuple[NamedSplit, ...]
    where: str
    kind: str = ""
    manifest: str = ""
    sha256: str = ""
    checked: tuple[str, ...] = ()
    overlap: tuple[str, ...] = ()

    @property
    def folds(self) -> int:
        """Folds of a repeat."""
        return 1 + max(split.fold for split in self.splits)

    @property
    def repeats(self) -> int:
        """Repeats."""
        return 1 + max(split.repeat for split in self.splits)

    def resamples_apart(self) -> SplitSet:
        """The same where no slide is tested twice in a repeat; else each split as a repeat of its own.

        Random resamples are no partition: a slide that two of them test cannot be answered once.
        """
        for repeat in range(self.repeats):
            tested = [name for split in self.splits if split.repeat == repeat for name in split.test]
            if len(set(tested)) < len(tested):
                apart = (replace(split, repeat=i, fold=0) for i, split in enumerate(self.splits))
                return replace(self, splits=tuple(apart))
        return self


def name_splits(splits: Sequence[Split], names: Sequence[str]) -> tuple[NamedSplit, ...]:
    """Splits by the names of their slides."""
    return tuple(
        NamedSplit(
            split.repeat,
            split.fold,
            *(tuple(names[i] for i in side) for side in (split.train, split.val, split.test)),
        )
        for split in splits
    )
