"""What views a recipe may stack on each other."""

from __future__ import annotations

from collections.abc import Mapping

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.views.base import View


def below(view: View) -> tuple[str | None, str | None]:
    """The views that must run before this one: its base, and the one whose attention it asks for."""
    return view.base, view.attends


def check_views(views: Mapping[str, View]) -> None:
    """Each view after those below it, and one mask at most in a stack.

    Raises: RecipeError: naming the view that stands wrong.
    """
    earlier: list[str] = []
    for name, view in views.items():
        for other in below(view):
            if other is not None and other not in earlier:
                raise RecipeError(
                    expected(f"View '{name}'", f"a base among the views before it {earlier}", f"'{other}'")
                )
        if view.draws_mask and view.base is not None and masks(views, view.base):
            raise RecipeError(
                expected(f"View '{name}'", "one mask in a stack of views", f"another in '{view.base}'")
            )
        earlier.append(name)


def check_attention(views: Mapping[str, View], heads: Mapping[str, Head], encoder: Encoder) -> dict[str, str]:
    """For each view whose attention another one asks for, a head that says where it looks there.

    Raises: RecipeError: naming the view that asks in vain.
    """
    found: dict[str, str] = {}
    for name, view in views.items():
        if view.attends is None:
            continue
        for head_name, head in heads.items():
            on_nodes = head.reads == "nodes" and "attention" in head.gives
            on_supernodes = head.reads == "supernodes" and encoder.gives_attention
            if on_nodes or (on_supernodes and has_supernodes(views, view.attends)):
                found.setdefault(view.attends, head_name)
        if view.attends not in found:
            raise RecipeError(
                expected(
                    f"View '{name}'",
                    f"a head that says where it looks in view '{view.attends}'",
                    "none",
                    todo="Choose an aggregator with attention, or another mask.",
                )
            )
    return found


def masks(views: Mapping[str, View], name: str) -> bool:
    """Whether a view or one of its bases masks patches."""
    view = views[name]
    return view.draws_mask or (view.base is not None and masks(views, view.base))


def has_supernodes(views: Mapping[str, View], name: str) -> bool:
    """Whether a view has one supernode per slide."""
    view = views[name]
    if view.supernodes == "keeps":
        return view.base is not None and has_supernodes(views, view.base)
    return view.supernodes == "adds"
