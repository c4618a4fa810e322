"""One cell of a contest of patches: a node classifier learns from some slides and answers others' patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from wsigraph.data.node_labels import NodeLabels
from wsigraph.data.order import LEAST_NODES
from wsigraph.errors import RunError, expected
from wsigraph.io.log_file import write_log
from wsigraph.nn.standardise import Standardise
from wsigraph.pipelines.one_fit import Task, dataset
from wsigraph.training.fit_nodes import LabelledNodes, fit_nodes
from wsigraph.training.node_head import NodeClassifier, node_classifier


def fit_patches(
    task: Task,
    labels: Mapping[str, NodeLabels],
    *,
    train_on: Sequence[int],
    validate_on: Sequence[int],
    listen: Callable[[dict[str, float]], None] = lambda row: None,
) -> NodeClassifier:
    """Train a recipe's encoder under a node head; the log goes to ``task.folder / "log.csv"``.

    Features are standardised with the training slides alone.

    Args:
        task: What to train.
        labels: Classes of patches, by slide.
        train_on: Indices of training slides.
        validate_on: Indices of validation slides.
        listen: Called with each epoch's log row.

    Raises: RunError: if a slide has other patches than labels. RecipeError: if the recipe cannot be asked.
    """
    classifier = node_classifier(task.recipe, seed=task.seed)
    standardise = classifier.model.standardise
    if isinstance(standardise, Standardise):
        standardise.set_statistics(*task.store.statistics([task.cohort.slides[i] for i in train_on]))
    history = fit_nodes(
        classifier,
        task.recipe,
        train=labelled(task, labels, train_on),
        val=labelled(task, labels, validate_on),
        seed=task.seed,
        listen=listen,
    )
    write_log(task.folder / "log.csv", history)
    return classifier


@torch.inference_mode()
def answer_patches(
    task: Task,
    classifier: NodeClassifier,
    labels: Mapping[str, NodeLabels],
    indices: Sequence[int],
    *,
    repeat: int = 0,
    fold: int = 0,
) -> list[Any]:
    """One answer per patch of known class, called ``<slide_id>_<name>`` and belonging to the slide's patient.

    Statistics read such rows as they read slides; intervals resample patients with all their patches.
    """
    classifier.eval()
    asked, rows = task.recipe.make_task(), []
    for slide, index in zip(labelled(task, labels, indices), indices, strict=True):
        values, one = asked.answer(classifier(slide.graph)), task.cohort.slides[index]
        mine = labels[one.slide_id]
        for i in mine.known.tolist():
            name, target = f"{one.slide_id}_{mine.names[i]}", int(mine.targets[i])
            row = asked.prediction(name, one.patient_id, values=values[i], target=target)
            rows.append(replace(row, repeat=repeat, fold=fold, split="test"))
    return rows


def labelled(task: Task, labels: Mapping[str, NodeLabels], indices: Sequence[int]) -> list[LabelledNodes]:
    """Graphs of some slides with the classes of their nodes.

    Raises: RunError: if a slide has other patches than labels, or so many that its rows may have been moved.
    """
    found = []
    for graph, index in zip(dataset(task, indices), indices, strict=True):  # type: ignore[call-overload]
        name = task.cohort.slides[index].slide_id
        check_rows(name, labels[name], graph.num_nodes)
        found.append(LabelledNodes(graph, torch.from_numpy(labels[name].targets)))
    return found


def check_rows(slide_id: str, labels: NodeLabels, rows: int) -> None:
    """Refuse labels that are not those of a slide's rows.

    Raises: RunError: naming the slide.
    """
    where = f"Patch labels of slide '{slide_id}'"
    if rows != len(labels):
        raise RunError(expected(where, f"one for each of {rows} patches", f"{len(labels)}"))
    if rows >= LEAST_NODES:  # graphs of this size may be put in another order
        what = f"fewer than {LEAST_NODES} patches, whose rows keep their order"
        raise RunError(expected(where, what, f"{rows}"))
