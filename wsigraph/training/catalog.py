"""Published methods: a recipe's function with all that a reader asks of a baseline."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Literal, Protocol

from wsigraph.data.tasks.base import Task
from wsigraph.errors import UnknownPartError, expected
from wsigraph.training.recipe import RECIPES, Recipe


class MakesRecipe(Protocol):
    """Width of the features and class names -> a recipe.

    A method written for another task than classes takes the keyword ``task`` as well: the task that is asked,
    or None where only classes are given.
    """

    __name__: str

    @property
    def __call__(self) -> Callable[..., Recipe]:
        """``in_channels``, ``classes`` -> the recipe."""


@dataclass(frozen=True)
class Entry:
    """What stands behind a recipe's name.

    Args:
        name: Name of the recipe.
        kind: ``"set"``, or ``"graph"`` where edges are read.
        title: One line for a table.
        equation: The method's centre, in LaTeX.
        bibtex: How to cite it.
        source: Paper and, where there is one, code.
        differs: What is not as published; empty where nothing is.
        order_matters: Why the order of the patches changes the answer; empty where it does not.
        not_exported: Why ``wsigraph export`` refuses it; empty where it does not.
    """

    name: str
    kind: Literal["set", "graph"]
    title: str
    equation: str
    bibtex: str
    source: str
    differs: str
    order_matters: str = ""
    not_exported: str = ""


class Published:
    """A recipe's function and its entry; called as the function is.

    Args:
        make: The function.
        entry: What stands behind its name.
    """

    def __init__(self, make: MakesRecipe, entry: Entry) -> None:
        update_wrapper(self, make)
        self.make, self.entry = make, entry

    def __call__(self, *, in_channels: int, classes: tuple[str, ...], task: Task | None = None) -> Recipe:
        """The recipe; a task is given to functions that take one."""
        asked = {} if task is None else {"task": task}
        return self.make(in_channels=in_channels, classes=classes, **asked)


def published(
    *,
    kind: Literal["set", "graph"],
    title: str,
    equation: str,
    bibtex: str,
    order_matters: str = "",
    not_exported: str = "",
) -> Callable[[MakesRecipe], Published]:
    """Register a function of ``in_channels`` and ``classes`` as the recipe of its name.

    Source and differences are read from its docstring, where they stand as ``Source: ... Differs: ...``.

    Args:
        kind: See ``Entry``.
        title: See ``Entry``.
        equation: See ``Entry``.
        bibtex: See ``Entry``.
        order_matters: See ``Entry``.
        not_exported: See ``Entry``.
    """

    def register(make: MakesRecipe) -> Published:
        source, differs = _source(inspect.getdoc(make) or "")
        entry = Entry(
            make.__name__, kind, title, equation, bibtex, source, differs, order_matters, not_exported
        )
        one = Published(make, entry)
        RECIPES.add(entry.name, one)
        return one

    return register


def catalog() -> dict[str, Entry]:
    """Entries of all published recipes by name; a third party's bare recipe has none."""
    found = {name: RECIPES.get(name) for name in RECIPES.names()}
    return {name: one.entry for name, one in found.items() if isinstance(one, Published)}


def entry(name: str) -> Entry:
    """The entry of a recipe.

    Raises: UnknownPartError: if the catalog has none; the message lists those it has.
    """
    known = catalog()
    if name not in known:
        raise UnknownPartError(expected("Catalog", f"one of {sorted(known)}", f"'{name}'"))
    return known[name]


def citation(name: str) -> str:
    """BibTeX of the method a recipe builds."""
    return entry(name).bibtex


def _source(doc: str) -> tuple[str, str]:
    """What follows ``Source:`` and ``Differs:``, each on one line."""
    text = " ".join(doc.split())
    found = re.search(r"Source: (.*?)(?: Differs: (.*))?$", text)
    return (found.group(1), found.group(2) or "") if found else ("", "")
