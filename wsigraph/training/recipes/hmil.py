"""HMIL as its paper has it, for any number of levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.tasks.base import Task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RecipeError, expected
from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@article{jin2025hmil,
  title   = {{HMIL}: Hierarchical Multi-Instance Learning for Fine-Grained Whole Slide Image Classification},
  author  = {Jin, Cheng and Luo, Luyang and Lin, Huangjing and Hou, Jun and Chen, Hao},
  journal = {IEEE Transactions on Medical Imaging},
  year    = {2025},
  doi     = {10.1109/TMI.2024.3520602}
}"""
"""How to cite it."""

FALLS = {"weight": 1.0, "weight_end": 0.0}
RISES = {"weight": 0.0, "weight_end": 1.0}


@published(
    kind="set",
    title="Class-wise attention at every level of a label tree, aligned through it, with supervised contrast",
    equation=r"\beta (\mathrm{CE}_c + L_{ia} + L_{ba}) + (1 - \beta) L_{scl} + \mathrm{CE}_f,"
    r" \quad \beta = 1 - e / E",
    bibtex=BIBTEX,
)
def hmil(*, in_channels: int, classes: tuple[str, ...], task: Task | None = None) -> Recipe:
    """Hierarchical MIL: a head for each level of the tree, aligned patch by patch and slide by slide.

    The heads are ``fine`` and ``coarse``, and ``level_1``, ``level_2`` ... between them where the tree is
    deeper. Each pair of adjacent levels has both alignments, and beta weighs the cross-entropies of all
    levels but the finest. Where only classes are given each is a group of its own: a tree is part of the
    question, ``recipe("hmil", ..., task={"name": "hierarchy", "tree": "bracs"})``.

    Source: Jin et al. 2025. Differs: slides of unknown finest class train the levels they have, and the fine
    head by the summed probability of what they may be; any number of levels; AdamW with weight decay 0, which
    is Adam; the best validation cross-entropy of the fine head over all epochs; inputs standardised; contrast
    in steps that leave no slide alone in its class; patches are frozen features.
    """
    tree = hmil_tree(classes, task)
    beta = {**FALLS, "weight_shape": "open"}
    return hmil_recipe(
        "hmil",
        tree,
        in_channels=in_channels,
        terms={
            **cross_entropies(tree, beta),
            **_pairs(tree, "instance_alignment", beta),
            **_pairs(tree, "bag_alignment", beta),
            "contrast": {"name": "supervised_contrast", "head": "fine", **RISES, "weight_shape": "open"},
        },
        sampler={"name": "contrastive", "slides_per_step": 64},
    )


def hmil_tree(classes: tuple[str, ...], task: Task | None) -> LabelTree:
    """The tree of the task; without a task, each class as a group of its own.

    Raises: RecipeError: if it has one level, or does not hold the classes.
    """
    if not isinstance(task, Hierarchy):
        names = classes or ("0", "1")
        return LabelTree(("group", "class"), (names, names), (tuple(range(len(names))),))
    tree = task.label_tree
    if tree.num_levels < 2:
        raise RecipeError(expected("HMIL", "a tree of two or more levels", f"only '{tree.levels[0]}'"))
    if classes and classes != tree.names():
        what = f"the finest classes of the tree, {list(tree.names())}"
        raise RecipeError(expected("HMIL", what, f"{list(classes)}"))
    return tree


def hmil_recipe(
    name: str,
    tree: LabelTree,
    *,
    in_channels: int,
    terms: Mapping[str, Mapping[str, Any]],
    sampler: Mapping[str, Any],
) -> Recipe:
    """HMIL's network, optimiser and checkpoint rule.

    Args:
        name: Name of the recipe.
        tree: The classes.
        in_channels: Width of the features.
        terms: Terms of the loss by name.
        sampler: How slides are drawn.
    """
    fine = {"embed_channels": 256, "hidden_channels": 64}
    heads = {
        head: {
            "name": "shared_class_attention",
            "level": level,
            **(fine if level else {"hidden_channels": 256}),
        }
        for head, level in reversed(names_of_heads(tree).items())
    }
    return Recipe.from_dict(
        {
            "name": name,
            "in_channels": in_channels,
            "task": Hierarchy(tree).settings(),
            "classes": tree.names(),
            "graph": {"name": "edgeless"},
            "self_loops": False,
            "encoder": {"name": "bottleneck", "hidden_channels": 256},
            "views": {"clean": {"name": "clean"}},
            "heads": heads,
            "terms": terms,
            "sampler": sampler,
            "optimiser": {"lr": 1e-4, "weight_decay": 0.0, "epochs": 200, "schedule": "constant"},
            "checkpoint": {"monitor": "val_loss", "patience": 200},
        }
    )


def names_of_heads(tree: LabelTree) -> dict[str, int]:
    """Level by head, coarse to fine."""
    last = tree.num_levels - 1
    return {{0: "coarse", last: "fine"}.get(level, f"level_{level}"): level for level in range(last + 1)}


def cross_entropies(tree: LabelTree, beta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """One for each head; all but the finest are weighed by beta."""
    return {
        f"ce_{head}": {"name": "tree_cross_entropy", "head": head, **({} if head == "fine" else beta)}
        for head in reversed(names_of_heads(tree))
    }


def _pairs(tree: LabelTree, name: str, beta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """An alignment of each level with the one above it, finest first."""
    heads = list(names_of_heads(tree))
    pairs = list(zip(heads[1:], heads[:-1], strict=True))[::-1]
    return {
        name if len(pairs) == 1 else f"{name}_{fine}": {
            "name": name,
            **({"head": fine} if name == "bag_alignment" else {"fine": fine, "coarse": coarse}),
            **beta,
        }
        for fine, coarse in pairs
    }
