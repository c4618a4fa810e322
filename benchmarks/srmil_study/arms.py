"""What is compared: SRMIL, and SRMIL with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wsigraph.training.recipe import Recipe, recipe


@dataclass(frozen=True)
class Arm:
    """One thing to train.

    Args:
        name: Short name, as in file names.
        what: One line for the table.
        recipe: Name of the recipe.
        changes: Settings changed against it.
        without: Terms of the loss left out.
        coords: ``"true"`` or ``"shuffled"``: which feature files.
        share: Share of the training slides used.
        permuted: Whether labels are permuted among slides.
        keeps_graph: Whether the data set's graph takes the place of the recipe's.
    """

    name: str
    what: str
    recipe: str = "srmil"
    changes: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    coords: str = "true"
    share: float = 1.0
    permuted: bool = False
    keeps_graph: bool = True


def _arms() -> list[Arm]:
    no_rec: dict[str, Any] = {"without": ("reconstruction",)}
    arms = [
        Arm("A", "srmil (mask .7, reconstruction 1.8)"),
        Arm("B", "srmil, reconstruction weight 0", **no_rec),
        Arm("E", "srmil, edgeless", changes={"graph": {"name": "edgeless"}}, keeps_graph=False),
        Arm("F", "srmil, shuffled coordinates", coords="shuffled"),
        Arm("G", "abmil (gated attention on the set)", recipe="abmil", keeps_graph=False),
    ]
    for rate in (0.1, 0.3, 0.5, 0.9):
        name = f"C{round(100 * rate)}"
        arms.append(Arm(name, f"srmil, mask {rate:g}", changes={"views.masked.rate": rate}))
    for share in (0.1, 0.25):
        some = f"{round(100 * share)}"
        arms += [
            Arm(f"A@{some}", f"srmil, {some} % of the training slides", share=share),
            Arm(f"B@{some}", f"srmil, reconstruction weight 0, {some} %", share=share, **no_rec),
            Arm(f"G@{some}", f"abmil, {some} %", recipe="abmil", share=share, keeps_graph=False),
        ]
    arms.append(Arm("H", "graph classifier alone: no masked view", without=("reconstruction", "ce_masked")))
    arms.append(Arm("P", "srmil, permuted labels", permuted=True))
    return arms


ARMS = {arm.name: arm for arm in _arms()}


def build_recipe(
    arm: Arm,
    *,
    in_channels: int,
    classes: tuple[str, ...],
    graph: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Recipe:
    """The recipe of an arm.

    A term of weight 0 is left out: the other terms see the same draws and the same start (there is a test),
    and nothing is computed for it.

    Args:
        arm: Which.
        in_channels: Width of the features.
        classes: Class names.
        graph: The data set's graph builder.
        settings: The protocol: epochs, slides per step, checkpoint rule; the same for all arms.
    """
    base = recipe(arm.recipe, in_channels=in_channels, classes=classes)
    changes: dict[str, Any] = {**settings, **({"graph": dict(graph)} if arm.keeps_graph else {})}
    values = base.with_settings({**changes, **arm.changes}).to_dict()
    values["terms"] = {name: term for name, term in values["terms"].items() if name not in arm.without}
    read = {term["view"] for term in values["terms"].values()} | {values["predict_view"]}
    values["views"] = {name: view for name, view in values["views"].items() if name in read}
    return Recipe.from_dict(values)
