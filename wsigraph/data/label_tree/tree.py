"""A hierarchy of classes, as a value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wsigraph.data.label_tree.check import check_levels, check_names, check_parents
from wsigraph.errors import LabelTreeError, expected

UNKNOWN = -1
"""A label that nobody gave."""


@dataclass(frozen=True)
class LabelTree:
    """Classes at several levels; each class below the coarsest level has one parent in the level above.

    All branches are equally deep, and one root that is no class stands above the coarsest level. A class that
    is not divided further is handed down under its own name: a name may stand at several levels where each is
    the only child of the one above, and nowhere else.

    A *level* is given by its name or its number (0 = coarsest, -1 = finest), a class by its number within
    its level. :mod:`~wsigraph.data.label_tree.build` makes trees from names.

    Args:
        levels: Names of the levels, coarse to fine.
        classes: Class names of each level, in the order of a model's outputs.
        parents: For each level but the first, the number of each class's parent in the level above.

    Raises: LabelTreeError: if a level or class is missing, empty or double, a parent is unknown, names form a
        cycle, or the finest level has a single class.
    """

    levels: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    parents: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        check_levels(self.levels, self.classes)
        check_parents(self.levels, self.classes, self.parents)
        check_names(self.levels, self.classes, self.parents)

    @property
    def num_levels(self) -> int:
        """Number of levels L."""
        return len(self.levels)

    def level(self, level: str | int) -> int:
        """Number of a level, 0 the coarsest.

        Raises: LabelTreeError: if there is no such level.
        """
        if level in self.levels:
            return self.levels.index(str(level))
        if isinstance(level, str) or not -self.num_levels <= level < self.num_levels:
            raise LabelTreeError(expected("LabelTree", f"a level of {list(self.levels)}", f"{level!r}"))
        return level % self.num_levels

    def names(self, level: str | int = -1) -> tuple[str, ...]:
        """Class names of a level."""
        return self.classes[self.level(level)]

    def index(self, level: str | int, name: str) -> int:
        """Number of the class ``name`` in a level.

        Raises: LabelTreeError: if the level has no such class.
        """
        names = self.names(level)
        if name not in names:
            where = f"LabelTree level '{self.levels[self.level(level)]}'"
            raise LabelTreeError(expected(where, f"a class of {list(names)}", f"{name!r}"))
        return names.index(name)

    def find(self, name: str) -> tuple[int, int]:
        """Level and number of the class ``name``, the finest where it is handed down undivided.

        Raises: LabelTreeError: if no level has such a class.
        """
        for level in reversed(range(self.num_levels)):
            if name in self.classes[level]:
                return level, self.classes[level].index(name)
        known = {at: list(names) for at, names in zip(self.levels, self.classes, strict=True)}
        raise LabelTreeError(expected("LabelTree", f"a class of {known}", f"{name!r}"))

    def line(self, level: str | int, number: int) -> tuple[int, ...]:
        """Labels at all levels of what is known at one: its ancestors above, -1 at finer levels.

        Args:
            level: Level of the class.
            number: Number of the class in it.

        Raises: LabelTreeError: if the level has no such class.
        """
        at = self.level(level)
        if not 0 <= number < len(self.classes[at]):
            raise LabelTreeError(
                expected(
                    f"LabelTree level '{self.levels[at]}'",
                    f"a class number of 0..{len(self.classes[at]) - 1}",
                    f"{number}",
                )
            )
        above = [number]
        for parents in reversed(self.parents[:at]):
            above.append(parents[above[-1]])
        return (*reversed(above), *([UNKNOWN] * (self.num_levels - 1 - at)))

    def ancestors(self, fine: str | int = -1, coarse: str | int = 0) -> np.ndarray:
        """Ancestor in the level ``coarse`` of each class of the level ``fine``: ``[K_fine]`` int64.

        Raises: LabelTreeError: if ``coarse`` lies below ``fine``.
        """
        below, above = self.level(fine), self.level(coarse)
        if above > below:
            raise LabelTreeError(
                expected(
                    "LabelTree.ancestors",
                    f"a level at or above '{self.levels[below]}'",
                    f"'{self.levels[above]}'",
                )
            )
        found = np.arange(len(self.classes[below]))
        for parents in reversed(self.parents[above:below]):
            found = np.array(parents)[found]
        return found

    def membership(self, fine: str | int = -1, coarse: str | int = 0) -> np.ndarray:
        """The tree as a matrix between two levels: 1 where a fine class descends from a coarse one.

        Shape: ``[K_fine, K_coarse]`` float64, each row holds a single 1.
        Raises: LabelTreeError: if ``coarse`` lies below ``fine``.
        """
        return np.eye(len(self.names(coarse)))[self.ancestors(fine, coarse)]

    def distance(self, level: str | int = -1) -> np.ndarray:
        """Tree distance of any two classes of a level: levels to go up until their lines meet.

        0 for a class and itself, 1 for siblings, 2 for cousins, and so on; classes that share nothing meet
        in the root. It is the number of levels at which the two lines differ, and half the number of edges
        between the two, because all classes of a level are equally deep.

        Shape: ``[K, K]`` int64.
        Source: Bertinetto et al. 2020 (height of the lowest common ancestor).
        """
        at = self.level(level)
        lines = np.stack([self.ancestors(at, above) for above in range(at + 1)], axis=1)
        return (lines[:, None] != lines[None]).sum(2)

    def children(self, level: str | int, number: int) -> tuple[int, ...]:
        """Numbers, in the next finer level, of the children of a class; none at the finest level."""
        at = self.level(level)
        self.line(at, number)
        parents = self.parents[at] if at < len(self.parents) else ()
        return tuple(k for k, parent in enumerate(parents) if parent == number)

    def siblings(self, level: str | int, number: int) -> tuple[int, ...]:
        """The other classes of the level with the same parent; the coarsest level shares the root."""
        return tuple(k for k in self.nearest_first(level, number) if self.distance(level)[number, k] == 1)

    def nearest_first(self, level: str | int, number: int) -> tuple[int, ...]:
        """The other classes of the level by tree distance, siblings first, equal ones in the level's order.

        Raises: LabelTreeError: if the level has no such class.
        """
        self.line(level, number)
        order = np.argsort(self.distance(level)[number], kind="stable")
        return tuple(int(k) for k in order if k != number)

    def grouped_order(self, level: str | int = -1) -> tuple[int, ...]:
        """Classes of a level with families side by side, in the order of the coarser levels."""
        at = self.level(level)
        lines = [(*self.line(at, k)[:at], k) for k in range(len(self.classes[at]))]
        return tuple(line[-1] for line in sorted(lines))

    def to_dict(self) -> dict[str, Any]:
        """Levels, classes and the names of their parents, in plain types."""
        return {
            "levels": list(self.levels),
            "classes": [list(names) for names in self.classes],
            "parents": [
                [above[parent] for parent in parents]
                for above, parents in zip(self.classes, self.parents, strict=False)
            ],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LabelTree:
        """The tree that :meth:`to_dict` wrote.

        Raises: LabelTreeError: if keys are missing or unknown, or the tree is broken.
        """
        if set(plain) != {"levels", "classes", "parents"}:
            raise LabelTreeError(
                expected("LabelTree", "the keys levels, classes and parents", f"{sorted(map(str, plain))}")
            )
        lists = [plain["levels"], plain["classes"], plain["parents"]]
        lists += [one for nested in lists[1:] if isinstance(nested, list | tuple) for one in nested]
        wrong = [one for one in lists if not isinstance(one, list | tuple)]
        if wrong:
            raise LabelTreeError(expected("LabelTree", "lists of names for each level", f"{wrong[0]!r}"))
        classes = tuple(tuple(names) for names in plain["classes"])
        if len(plain["parents"]) != len(classes) - 1:
            raise LabelTreeError(
                expected("LabelTree", f"parents of {len(classes) - 1} levels", f"of {len(plain['parents'])}")
            )
        named = zip(classes[:-1], plain["parents"], strict=True)
        return cls(tuple(plain["levels"]), classes, tuple(_numbers(*pair) for pair in named))

    def to_json(self) -> str:
        """The tree as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> LabelTree:
        """The tree that :meth:`to_json` wrote.

        Raises: LabelTreeError: if the text is no JSON object or the tree is broken.
        """
        try:
            plain = json.loads(text)
        except json.JSONDecodeError as error:
            raise LabelTreeError(expected("LabelTree", "JSON text", str(error))) from error
        if not isinstance(plain, dict):
            raise LabelTreeError(expected("LabelTree", "a JSON object", f"{type(plain).__name__}"))
        return cls.from_dict(plain)


def _numbers(above: Sequence[str], named: Sequence[str]) -> tuple[int, ...]:
    unknown = sorted({str(name) for name in named} - set(above))
    if unknown:
        raise LabelTreeError(
            expected("LabelTree", f"parents among the classes {list(above)}", f"{unknown}", todo="Add them.")
        )
    return tuple(above.index(name) for name in named)
