"""What is wrong with a broken tree, said with the offending names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from wsigraph.errors import LabelTreeError, expected

_WHERE = "LabelTree"


def check_levels(levels: Sequence[str], classes: Sequence[Sequence[str]]) -> None:
    """Levels have names of their own and classes each; classes have names of their own in their level.

    Raises: LabelTreeError: on empty or double names, a level without classes, or a single finest class.
    """
    if not levels:
        raise LabelTreeError(expected(_WHERE, "at least one level", "none"))
    _check_distinct(_WHERE, "level", levels)
    if len(classes) != len(levels):
        raise LabelTreeError(
            expected(_WHERE, f"the classes of {len(levels)} levels {list(levels)}", f"{len(classes)} lists")
        )
    for level, names in zip(levels, classes, strict=True):
        if not names:
            raise LabelTreeError(expected(_WHERE, f"classes at level '{level}'", "none"))
        _check_distinct(f"{_WHERE} level '{level}'", "class", names)
    if len(classes[-1]) < 2:
        raise LabelTreeError(
            expected(
                f"{_WHERE} level '{levels[-1]}'",
                "two or more classes, it is the finest level",
                f"only '{classes[-1][0]}'",
            )
        )


def check_parents(
    levels: Sequence[str], classes: Sequence[Sequence[str]], parents: Sequence[Sequence[int]]
) -> None:
    """Every class below the coarsest level has a parent that exists, every class above the finest a child.

    Raises: LabelTreeError: naming the classes without parent or child.
    """
    if len(parents) != len(levels) - 1:
        raise LabelTreeError(
            expected(_WHERE, f"parents of the classes of {len(levels) - 1} levels", f"of {len(parents)}")
        )
    for at, numbers in enumerate(parents, start=1):
        where = f"{_WHERE} level '{levels[at]}'"
        if len(numbers) != len(classes[at]):
            orphans = list(classes[at][len(numbers) :])
            got = f"{len(numbers)}" + (f", none for {orphans}" if orphans else "")
            raise LabelTreeError(expected(where, f"{len(classes[at])} parents, one for each class", got))
        count = len(classes[at - 1])
        lost = {name: k for name, k in zip(classes[at], numbers, strict=True) if not 0 <= k < count}
        if lost:
            raise LabelTreeError(
                expected(where, f"parents numbered 0..{count - 1} in level '{levels[at - 1]}'", f"{lost}")
            )
        barren = [name for k, name in enumerate(classes[at - 1]) if k not in numbers]
        if barren:
            raise LabelTreeError(
                expected(
                    f"{_WHERE} level '{levels[at - 1]}'",
                    f"classes at level '{levels[at]}' below each of its classes",
                    f"none below {barren}",
                    todo="Repeat the name of a class that is not divided further.",
                )
            )


def check_names(
    levels: Sequence[str], classes: Sequence[Sequence[str]], parents: Sequence[Sequence[int]]
) -> None:
    """A name that stands at several levels is one class handed down undivided.

    Raises: LabelTreeError: naming a class that is its own ancestor through another, or stands in two places.
    """
    above: dict[str, set[str]] = {}
    for at, numbers in enumerate(parents, start=1):
        for name, parent in zip(classes[at], numbers, strict=True):
            above.setdefault(name, set()).update({classes[at - 1][parent]} - {name})
    cycle = find_cycle(above)
    if cycle:
        raise LabelTreeError(expected(_WHERE, "no class that is its own ancestor", f"{' < '.join(cycle)}"))
    for name, places in namesakes(classes).items():
        for at in range(places[0], places[-1]):
            here = classes[at].index(name) if name in classes[at] else -1
            below = [classes[at + 1][k] for k, parent in enumerate(parents[at]) if parent == here]
            if below != [name]:
                raise LabelTreeError(
                    expected(
                        _WHERE,
                        f"class '{name}', at level '{levels[places[0]]}' and again at "
                        f"'{levels[places[-1]]}', to be the only child of its namesake",
                        f"{below or 'another parent'}",
                        todo="Give one of them another name.",
                    )
                )


def find_cycle(above: Mapping[str, Iterable[str]]) -> list[str]:
    """A way from a class up to itself, empty where there is none.

    Args:
        above: Parents of each class, itself not among them.
    """
    done: set[str] = set()
    for start in above:
        way: list[str] = []
        stack = [(start, 0)]
        while stack:
            name, depth = stack.pop()
            del way[depth:]
            if name in way:
                return [*way[way.index(name) :], name]
            if name in done:
                continue
            way.append(name)
            done.add(name)
            stack += [(parent, depth + 1) for parent in above.get(name, ())]
    return []


def namesakes(classes: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Levels of each name that stands at more than one."""
    places: dict[str, list[int]] = {}
    for at, names in enumerate(classes):
        for name in names:
            places.setdefault(name, []).append(at)
    return {name: found for name, found in places.items() if len(found) > 1}


def check_cell(where: str, name: str) -> None:
    """Refuse an empty name, and one with blanks at its ends.

    Raises: LabelTreeError: naming it.
    """
    if not isinstance(name, str) or not name or name != name.strip():
        raise LabelTreeError(expected(where, "a name without blanks at its ends", f"{name!r}"))


def check_one_parent(level: str, above: Mapping[str, Mapping[str, None]]) -> None:
    """Each class has a single parent.

    Args:
        level: Name of the level.
        above: Names found above each class.

    Raises: LabelTreeError: naming the classes with several, and these.
    """
    several = {name: list(found) for name, found in above.items() if len(found) > 1}
    if several:
        raise LabelTreeError(
            expected(
                f"LabelTree level '{level}'",
                "one parent of each class",
                "; ".join(f"'{name}' below {found}" for name, found in several.items()),
                todo="Name classes of different groups differently, and give levels from coarse to fine.",
            )
        )


def _check_distinct(where: str, kind: str, names: Sequence[str]) -> None:
    for name in names:
        check_cell(f"{where}, {kind}", name)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise LabelTreeError(expected(where, f"every {kind} once", f"{twice} more often"))
