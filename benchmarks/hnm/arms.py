"""What is compared: slide classifiers alone, and the loop around one of them with more or fewer negatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wsigraph.pipelines.benchmark.suites.crchisto import CLASSES
from wsigraph.training.mining.settings import MineSettings, mine_settings
from wsigraph.training.recipe import Recipe, recipe

IN_CHANNELS = 48
EPOCHS = 30
"""Of every slide classifier, in every round."""

PROTOCOL: Mapping[str, Any] = {
    "optimiser.epochs": EPOCHS,
    "optimiser.lr": 1e-3,
    "checkpoint.patience": EPOCHS,
}
MINING: Mapping[str, Any] = {
    "rounds": 2,
    "epochs_per_round": 5,
    "warmup": 2,
    "steps": 20,
    "batch": 128,
    "lr": 0.1,
}
"""As many steps for every share of negatives, so that shares differ in what is seen and not in how long."""
ADAPTER: Mapping[str, Any] = {"network": "adapter"}
PIXELS: Mapping[str, Any] = {
    "network": "resnet18",
    "network.stem": "small",
    "network.width": 8,
    "network.augmentation": {"area": [0.6, 1.0], "hue": 0.02, "grey": 0.1},
}
GRAPH: Mapping[str, Any] = {
    "encoder": {"name": "gat", "hidden_channels": 64, "heads": 4, "num_layers": 1},
    "graph": {"name": "knn", "k": 6},
    "self_loops": True,
}


@dataclass(frozen=True)
class Arm:
    """One thing to train.

    Args:
        name: Short name, as in file names.
        what: One line for the table.
        recipe: Name of the slide classifier's recipe.
        changes: Settings changed against it.
        mining: Settings of the loop; None trains the slide classifier alone.
        rebuilt: Whether SRMIL's masked view and reconstruction are added.
    """

    name: str
    what: str
    recipe: str = "hnm"
    changes: Mapping[str, Any] = field(default_factory=dict)
    mining: Mapping[str, Any] | None = None
    rebuilt: bool = False

    @property
    def settings(self) -> MineSettings | None:
        """The loop, or None."""
        if self.mining is None:
            return None
        return mine_settings(self.recipe, {**MINING, **self.mining})

    def build(self) -> Recipe:
        """The slide classifier, for the first features."""
        one = recipe(self.recipe, in_channels=IN_CHANNELS, classes=CLASSES)
        values = one.with_settings({**PROTOCOL, **self.changes}).to_dict()
        if self.rebuilt:
            values["views"]["masked"] = {"name": "masked", "rate": 0.5}
            values["terms"]["reconstruction"] = {"name": "reconstruction", "view": "masked", "weight": 1.0}
        return Recipe.from_dict(values)


def _arms() -> list[Arm]:
    arms = [
        Arm("abmil", "gated attention on 48 statistics per nucleus", recipe="abmil"),
        Arm("dsmil", "DSMIL on the statistics", recipe="dsmil"),
        Arm("none", "hnm on the statistics, without mining"),
    ]
    for share in ("0.05", "0.2", "all"):
        name = share if share == "all" else f"{round(100 * float(share))}"
        told = "all negatives" if share == "all" else f"the hardest {name} % of negatives"
        arms += [
            Arm(
                f"adapt{name}", f"hnm, adapter on the statistics, {told}", mining={**ADAPTER, "ratio": share}
            ),
            Arm(f"pix{name}", f"hnm, ResNet on pixels, {told}", mining={**PIXELS, "ratio": share}),
        ]
    arms.append(
        Arm("its2clr", "its2clr, adapter, all negatives, no ranking", recipe="its2clr", mining=ADAPTER)
    )
    graph: dict[str, Any] = {"changes": GRAPH}
    arms.append(Arm("graph", "hnm on a graph of nuclei, statistics, without mining", **graph))
    for kind, how, told in (("adapt", ADAPTER, "adapter"), ("pix", PIXELS, "ResNet on pixels")):
        arms += [
            Arm(f"graph{kind}5", f"hnm on a graph, {told}, the hardest 5 %", mining=how, **graph),
            Arm(
                f"graph{kind}5rec", "the same with SRMIL's reconstruction", mining=how, rebuilt=True, **graph
            ),
        ]
    return arms


ARMS = {arm.name: arm for arm in _arms()}


def _dealt() -> list[Arm]:
    """One round on pixels whose epochs deal each hard negative once, as published: time follows the share."""
    one = {**PIXELS, "steps": None, "rounds": 1, "warmup": 0}
    return [
        Arm("deal5", "the hardest 5 %", mining={**one, "ratio": "0.05"}),
        Arm("deal20", "the hardest 20 %", mining={**one, "ratio": "0.2"}),
        Arm("dealall", "all negatives", mining={**one, "ratio": "all"}),
    ]


DEALT = {arm.name: arm for arm in _dealt()}
"""What a round costs; their answers are not compared."""
