"""What the slide classifier of a round says of training patches, and of validation slides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wsigraph.data.order import orderly
from wsigraph.data.tasks.base import Task
from wsigraph.evaluation.scores import quick_scores
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.features import read_features
from wsigraph.io.tensor_file import read_tensors, write_tensors
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import look_in_tiles
from wsigraph.objectives.patch_term import PatchTerm
from wsigraph.pipelines.threads import threads_for
from wsigraph.training.build import graph_builder
from wsigraph.training.mining.all_classes import PatchScores
from wsigraph.training.recipe import Recipe


@torch.inference_mode()
def patch_scores(model: MILModel, recipe: Recipe, term: PatchTerm, slide: Slide) -> Tensor:
    """Probability of each patch to be of each class that patches show, rows as in the feature file.

    Args:
        model: In evaluation mode.
        recipe: Its recipe.
        term: Reads the patch scores of a head.
        slide: With the features that the model reads.

    Shape: ``[N, C]`` float32.
    """
    graph, inverse = orderly(
        to_graph(read_features(slide.path, slide_id=slide.slide_id), graph_builder(recipe))
    )
    graph = with_self_loops(graph) if recipe.self_loops else graph
    with threads_for(graph.num_nodes or 0):
        node_logits = look_in_tiles(model, graph).head(term.head).node_logits
    assert node_logits is not None  # the recipe was built with the need of it
    scores = term.scores(node_logits).sigmoid().float().cpu()
    return scores if inverse is None else scores[inverse]


def score_all(model: MILModel, recipe: Recipe, term: PatchTerm, cohort: Cohort) -> PatchScores:
    """Scores of all patches of some slides."""
    labels = term.labels(torch.as_tensor(cohort.targets)).tolist()
    return PatchScores(
        slides=tuple(slide.slide_id for slide in cohort.slides),
        labels=tuple(labels),
        scores=tuple(patch_scores(model, recipe, term, slide).numpy() for slide in cohort.slides),
        classes=term.classes,
        background=term.background,
        num_classes=term.num_classes,
    )


def write_scores(path: Path, found: PatchScores) -> None:
    """Keep patch scores."""
    about = {
        "slides": found.slides,
        "labels": found.labels,
        "classes": found.classes,
        "background": found.background,
        "num_classes": found.num_classes,
    }
    write_tensors(path, {f"{i}": torch.from_numpy(s) for i, s in enumerate(found.scores)}, about)


def read_scores(path: Path) -> PatchScores:
    """Read what :func:`write_scores` wrote."""
    tensors, about = read_tensors(path)
    return PatchScores(
        slides=tuple(about["slides"]),
        labels=tuple(about["labels"]),
        scores=tuple(tensors[f"{i}"].numpy() for i in range(len(about["slides"]))),
        classes=tuple(about["classes"]),
        background=about["background"],
        num_classes=about["num_classes"],
    )


def validation_score(rows: Sequence[Any], task: Task, *, judge: str, num_classes: int) -> float:
    """How well validation slides were answered, higher is better.

    Args:
        rows: Answers, the finest classes first, with the truth.
        task: Of classes.
        judge: ``"auc"``, macro, one class against the rest; or ``"loss"``, the cross-entropy negated.
        num_classes: Number of the finest classes.

    Returns: NaN where no slide's class is known, or the AUC is not defined.
    """
    if task.one_class:
        pairs = [(row.probabilities, row.label) for row in rows]
    else:
        pairs = [(row.values[:num_classes], int(row.target[-1])) for row in rows]
    told = [(p, label) for p, label in pairs if label >= 0]
    if not told:
        return float("nan")
    probabilities, labels = np.array([p for p, _ in told]), np.array([label for _, label in told])
    if judge == "auc":
        return quick_scores(probabilities, labels)["auc"]
    right = probabilities[np.arange(len(labels)), labels]
    return float(np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean())
