"""Where a network looks on a few test slides: kept in its cell, for the report to draw."""

from __future__ import annotations

from typing import Any

import torch

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import look_in_tiles
from wsigraph.pipelines.one_fit import Task, dataset
from wsigraph.pipelines.which_attention import which_attention

MOST_PATCHES = 5000
"""Larger slides are no examples: their dots would hide each other."""


@torch.inference_mode()
def looks(task: Task, model: MILModel, test: tuple[int, ...]) -> list[dict[str, Any]]:
    """Attention of every patch, for the first test slide of each class that has places.

    Args:
        task: What was trained.
        model: In evaluation mode.
        test: Indices of the test slides.

    Returns: ``slide_id``, ``label``, ``places`` ``[N, 2]`` in level-0 pixels and ``attention`` ``[N]``, which
        sums to 1; nothing from a model without attention, and for tasks other than classes.
    """
    if not task.cohort.task.one_class:
        return []
    shown, found = which_attention(task.recipe, model), dict[str, dict[str, Any]]()
    for index in test:
        slide = task.cohort.slides[index]
        if not slide.label or slide.label in found:
            continue
        graph: SpatialGraph = dataset(task, [index])[0]
        if graph.pos is None or graph.num_nodes > MOST_PATCHES:
            continue
        attention = shown.of(look_in_tiles(model, graph))
        if attention is not None:
            found[slide.label] = {
                "slide_id": slide.slide_id,
                "label": slide.label,
                "places": [[round(x), round(y)] for x, y in graph.pos.tolist()],
                "attention": [float(f"{value:.4g}") for value in attention.tolist()],
            }
    return [found[label] for label in sorted(found)]
