"""One registry for every family of parts: a new part is one file and one class statement.

A family is an abstract base class that derives from :class:`Part`::

    class Aggregator(nn.Module, Part, family="aggregator", package="wsigraph.nn.aggregators"): ...

and a part registers itself by being defined::

    class MaxPool(Aggregator, name="max"): ...

The modules of ``package`` are imported at the first look-up, then the entry points of the group
``wsigraph.<family>``, so third parties add parts without touching this repository.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar, TypeVar

from wsigraph.errors import RecipeError, UnknownPartError, expected

T = TypeVar("T")


class Registry:
    """The parts of one family by name.

    Args:
        family: The family's word in errors, and the entry-point group's ending.
        package: Package whose modules define the built-in parts.
    """

    def __init__(self, family: str, package: str) -> None:
        self.family = family
        self.package = package
        self._parts: dict[str, Any] = {}
        self._loaded = False

    def add(self, name: str, part: Any) -> None:
        """Register ``part``.

        Raises: RecipeError: if another part already has this name.
        """
        known = self._parts.get(name)
        if known is not None and known.__module__ != part.__module__:
            raise RecipeError(
                expected(
                    f"Registry '{self.family}'",
                    f"a new name for {part.__module__}.{part.__qualname__}",
                    f"'{name}', which {known.__module__}.{known.__qualname__} has",
                )
            )
        self._parts[name] = part

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(group=f"wsigraph.{self.family}"):
            entry.load()

    def names(self) -> list[str]:
        """Names of all parts, sorted."""
        self._load()
        return sorted(self._parts)

    def get(self, name: str) -> Any:
        """The part called ``name``.

        Raises: UnknownPartError: if there is none; the message lists the choices.
        """
        self._load()
        if name not in self._parts:
            close = difflib.get_close_matches(name, self._parts, n=1)
            hint = f"Did you mean '{close[0]}'?" if close else ""
            raise UnknownPartError(
                expected(f"Registry '{self.family}'", f"one of {self.names()}", f"'{name}'", todo=hint)
            )
        return self._parts[name]

    def make(self, part: str | Mapping[str, Any], *arguments: Any) -> Any:
        """A new part from its name, or from its name and options as a recipe holds them.

        Args:
            part: ``"blocks"`` or ``{"name": "blocks", "block_patches": 32}``.
            arguments: What the part's constructor takes first.

        Raises: UnknownPartError: if there is none of this name. RecipeError: if it takes no such option.
        """
        options = {} if isinstance(part, str) else {k: v for k, v in part.items() if k != "name"}
        name = part if isinstance(part, str) else part.get("name")
        if not isinstance(name, str):
            raise RecipeError(expected(f"Registry '{self.family}'", "a name", f"{part}"))
        self.check(name, options)
        return self.get(name)(*arguments, **options)

    def check(self, name: str, options: dict[str, Any]) -> None:
        """Refuse options that the part's constructor does not take.

        Raises: RecipeError: naming the unknown options and those that exist.
        """
        takes = set(inspect.signature(self.get(name)).parameters)
        unknown = sorted(set(options) - takes)
        if unknown:
            raise RecipeError(
                expected(f"{self.family} '{name}'", f"options among {sorted(takes)}", f"{unknown}")
            )


class Part:
    """Mixin that turns a base class into a family and its subclasses into registered parts."""

    registry: ClassVar[Registry]
    name: ClassVar[str]

    def __init_subclass__(
        cls, *, name: str | None = None, family: str | None = None, package: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if family is not None:
            cls.registry = Registry(family, package or cls.__module__)
        if name is not None:
            cls.name = name
            cls.registry.add(name, cls)
