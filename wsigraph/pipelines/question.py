"""What a command line asks of the slides: the task, and for a hierarchy its tree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.ready import READY, ready_tree
from wsigraph.data.tasks.base import Task, make_task
from wsigraph.data.tasks.cells import split_columns
from wsigraph.errors import LabelTreeError, RecipeError, expected
from wsigraph.io.label_tree_file import label_tree_of_manifest, read_label_tree
from wsigraph.training.recipe import recipe

HIERARCHY = "hierarchy"


def question(
    method: str, task: str, *, tree: str | None, manifest: str | Path, columns: Mapping[str, str]
) -> Task:
    """The task that is meant.

    It is the one named; a hierarchy where a tree is given, or where the method is written for one and no
    other task is named. Without ``tree`` the tree is what the manifest's columns of labels, one per level,
    imply.

    Args:
        method: Name of the recipe.
        task: Name of the task.
        tree: A ready tree by name, or a CSV file (``fine,coarse[,coarser]``).
        manifest: The manifest.
        columns: Columns that the task reads, by the names of its options.

    Raises: RecipeError: if the task cannot be, or takes no tree. LabelTreeError: if the tree is broken.
    """
    plain = task == "classification"
    own = recipe(method, in_channels=1, classes=("a", "b")).task.name
    name = HIERARCHY if plain and (tree is not None or own == HIERARCHY) else task
    if name != HIERARCHY:
        if tree is not None:
            raise RecipeError(expected("--tree", "task 'hierarchy'", f"task '{name}'"))
        return _reading({"name": name}, columns)
    found = find_tree(tree, manifest, columns=split_columns(columns.get("target_col", "")))
    return _reading({"name": name, "tree": found or ""}, columns)


def reading(task: Task, columns: Mapping[str, str]) -> Task:
    """A run's task with other columns to read; what it learned of the training slides is left out.

    Args:
        task: The task.
        columns: Columns that it reads, by the names of its options.

    Raises: RecipeError: if it takes no such column.
    """
    own = {"name": task.name} | ({} if task.label_tree is None else {"tree": task.label_tree})
    return _reading(own, columns)


def _reading(options: Mapping[str, object], columns: Mapping[str, str]) -> Task:
    """Most tasks read one column of targets, survival reads none: that column is given where it is taken."""
    others = {column: name for column, name in columns.items() if column != "target_col"}
    return make_task({**options, **others}, target_col=columns.get("target_col"))


def find_tree(given: str | None, manifest: str | Path, *, columns: tuple[str, ...]) -> LabelTree | None:
    """A tree by name, from a file, or as the columns of the manifest imply it; None where there is none.

    Raises: LabelTreeError: if there is no such tree, or it is broken.
    """
    if given is None:
        return label_tree_of_manifest(manifest, columns=columns) if len(columns) > 1 else None
    if given in READY:
        return ready_tree(given)
    if not Path(given).is_file():
        raise LabelTreeError(expected("--tree", f"a CSV file, or one of {sorted(READY)}", f"'{given}'"))
    return read_label_tree(given)
