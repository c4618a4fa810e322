"""What is compared: HMIL, HMIL with one term left out, and flat cross-entropy on the same network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.training.recipe import Recipe, recipe

GAT = {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2}
"""The encoder of recipe srmil, which takes the place of HMIL's bottleneck on graphs."""


@dataclass(frozen=True)
class Arm:
    """One thing to train.

    Args:
        name: Short name, as in file names.
        what: One line for the table.
        recipe: Name of the recipe.
        without: Terms of the loss left out, and with them heads that no other term reads.
        on_graph: Whether the encoder reads the cohort's graph.
        changes: Settings changed against the recipe.
    """

    name: str
    what: str
    recipe: str = "hmil"
    without: tuple[str, ...] = ()
    on_graph: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)


ALIGNED = ("instance_alignment", "bag_alignment")
FLAT = ("ce_coarse", *ALIGNED, "contrast")
MASKED = {
    "views.masked": {"name": "masked", "rate": 0.7},
    "terms.reconstruction": {"name": "reconstruction", "weight": 1.8},
}

ARMS = {
    arm.name: arm
    for arm in (
        Arm("H", "hmil"),
        Arm("F", "flat: cross-entropy of the fine head alone", without=FLAT),
        Arm("CE", "cross-entropies of both levels alone", without=(*ALIGNED, "contrast")),
        Arm("H-ce", "hmil without the coarse cross-entropy", without=("ce_coarse",)),
        Arm("H-ia", "hmil without instance alignment", without=("instance_alignment",)),
        Arm("H-ba", "hmil without bag alignment", without=("bag_alignment",)),
        Arm("H-scl", "hmil without supervised contrast", without=("contrast",)),
        Arm("code", "hmil_code", recipe="hmil_code"),
        Arm("HG", "hmil on a graph", on_graph=True),
        Arm("FG", "flat, on a graph", without=FLAT, on_graph=True),
        Arm("HGR", "hmil on a graph, with SRMIL's reconstruction", on_graph=True, changes=MASKED),
    )
}


def build_recipe(
    arm: Arm, tree: LabelTree, *, in_channels: int, graph: Mapping[str, Any], settings: Mapping[str, Any]
) -> Recipe:
    """The recipe of an arm; a term left out costs nothing, and the others see the same start.

    Args:
        arm: Which.
        tree: The classes.
        in_channels: Width of the features.
        graph: The cohort's graph builder, of arms on a graph.
        settings: The protocol: epochs, steps, rate; the same for all arms.
    """
    on_graph = {"encoder": GAT, "graph": dict(graph), "self_loops": True} if arm.on_graph else {}
    base = recipe(arm.recipe, in_channels=in_channels, task=Hierarchy(tree))
    sampler = {"sampler.name": "contrastive"}  # also where nothing is contrasted: the same steps for all
    values = base.with_settings({**settings, **sampler, **on_graph, **arm.changes}).to_dict()
    values["terms"] = {name: term for name, term in values["terms"].items() if name not in arm.without}
    read = {term.get(key) for term in values["terms"].values() for key in ("head", "fine", "coarse")}
    values["heads"] = {name: head for name, head in values["heads"].items() if name in read}
    return Recipe.from_dict(values)
