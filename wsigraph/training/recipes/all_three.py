"""SRMIL's reconstruction, HMIL's heads and terms, and HNM's pairs and ranking on one graph network."""

from __future__ import annotations

from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.hmil import BIBTEX as HMIL
from wsigraph.training.recipes.hmil import hmil
from wsigraph.training.recipes.hnm import BIBTEX as HNM
from wsigraph.training.recipes.srmil import BIBTEX as SRMIL

QUEUE = 64
"""Slides that the contrast remembers: a pair holds no two slides of one class."""


@published(
    kind="graph",
    title="SRMIL, HMIL and HNM-WSI in one: reconstruction, a label tree and ranked pairs on a k-NN graph",
    equation=r"L_{hmil} + 1.8\, L_{rec} + \tfrac12 \mathrm{CE}_{patches} + \tfrac12 \mathrm{BCE}(\max_i s_i)"
    r" + 0.1\, L_{rank}",
    bibtex="\n\n".join((SRMIL, HMIL, HNM)),
)
def all_three(*, in_channels: int, classes: tuple[str, ...], task: Task | None = None) -> Recipe:
    """All of ``hmil`` on the graph network of ``srmil``, its reconstruction, and a third head that ranks.

    The head ``patches`` scores patches for the finest classes; of two the first is the background. Where only
    classes are given each is a group of its own, as in ``hmil``. Entries are added to those of ``hmil``, and
    no part is new: leave a term out, or change one, as in any recipe.

    Source: Wu et al. 2026, Jin et al. 2025, Huang et al. 2024, each as its own recipe here has it. Differs:
    nobody has published the three together; the weights are those of each method alone. Contrast compares
    with the 64 slides before, since a step is a pair; the masked graph serves reconstruction alone; the
    schedule, optimiser and checkpoint rule are those of ``srmil``.
    """
    values: dict[str, Any] = hmil(in_channels=in_channels, classes=classes, task=task).to_dict()
    two = len(values["classes"]) == 2
    patches = {"head": "patches", "background": 0 if two else None, "odds": "softmax" if two else "each"}
    values["heads"]["patches"] = {"name": "dsmil", "background": patches["background"]}
    values["terms"]["contrast"]["queue"] = QUEUE
    values["terms"] |= {
        "reconstruction": {"name": "reconstruction", "view": "masked", "weight": 1.8},
        "ce_patches": {"name": "tree_cross_entropy", "head": "patches", "weight": 0.5},
        "max_instance": {"name": "max_instance", **patches, "weight": 0.5},
        "ranking": {"name": "ranking", **patches, "k": 10, "scale": "probabilities", "weight": 0.1},
    }
    changes = {
        "name": "all_three",
        "graph": {"name": "knn", "k": 8},
        "self_loops": True,
        "encoder": {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2},
        "views": {"clean": {"name": "clean"}, "masked": {"name": "masked", "rate": 0.7}},
        "sampler": {"name": "pairs", "slides_per_step": 2},
        "optimiser": {},
        "checkpoint": {},
    }
    return Recipe.from_dict({**values, **changes})
