"""A trained model that knows its recipe: one network, or the folds of a run averaged."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from wsigraph.data.order import orderly
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.data.tasks.base import Task
from wsigraph.errors import RunError, expected
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.model_files import WEIGHTS, load_model_folder
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import MAX_NODES, look_in_tiles
from wsigraph.pipelines.which_attention import WhichAttention
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import Recipe
from wsigraph.training.slide_logits import slide_logits

MPP_TOLERANCE = 0.05
"""Patches within 5 % of the training resolution count as the same, as in tiling."""


@dataclass(frozen=True)
class Answer:
    """What a trained model says of one slide.

    Args:
        slide_id: Name of the slide.
        values: ``[A]``, the mean over the folds: of classes their probabilities, of other tasks what
            ``columns`` say.
        attention: ``[N]`` mean attention of each patch (sums to 1), or None where the model has none.
        columns: Name of each value (``prob_<class>``, ``value_<name>``, ``risk`` ...).
    """

    slide_id: str
    values: Tensor
    attention: Tensor | None
    columns: tuple[str, ...] = ()

    @property
    def probabilities(self) -> Tensor:
        """``[K]`` of classes or labels; of a label tree those of the finest classes.

        Raises: RunError: if the task answers no probabilities.
        """
        own = [column.startswith("prob_") for column in self.columns]
        if not any(own):
            raise RunError(
                expected(
                    f"Answer for '{self.slide_id}'",
                    "probabilities",
                    f"{list(self.columns)}",
                    todo="Read its values.",
                )
            )
        return self.values[own]


@dataclass(frozen=True)
class TrainedModel:
    """One or several networks of one recipe.

    Args:
        recipe: What they were built and trained by.
        networks: The networks, in evaluation mode.
        tasks: The task of each network, with what it saw of its training slides (scale, time bins); that of
            the recipe where not given.
    """

    recipe: Recipe
    networks: tuple[MILModel, ...]
    tasks: tuple[Task, ...] = ()

    def graph(self, features: PatchFeatures) -> SpatialGraph:
        """The slide as the graph this model was trained on.

        Raises: RunError: if the features come from another encoder, patch size, mpp or width.
        """
        self._check(features)
        return to_graph(features, graph_builder(self.recipe))

    @torch.inference_mode()
    def answer(
        self, graph: SpatialGraph, *, which: WhichAttention | None = None, max_nodes: int = MAX_NODES
    ) -> Answer:
        """Answer and attention for one graph.

        Args:
            graph: The whole slide.
            which: Whose attention; the mean over the columns of the first head where not given.
            max_nodes: Patches above which message passing runs in tiles: the same answer to rounding, in
                less memory.

        Raises: RunError: if the graph was built otherwise than the model's graphs.
        """
        graph, inverse = self._ready(graph)
        looks = [look_in_tiles(network, graph, max_nodes=max_nodes) for network in self.networks]
        tasks = self.tasks or (self.recipe.make_task(),) * len(looks)
        pairs = zip(tasks, looks, strict=True)
        each = [task.answer(slide_logits(self.recipe, look))[0] for task, look in pairs]
        asked = which or WhichAttention(next(iter(self.recipe.heads)))
        given = [one for one in map(asked.of, looks) if one is not None]
        attention = torch.stack(given).mean(0) if given else None
        if attention is not None and inverse is not None:
            attention = attention[inverse]
        columns = tasks[0].answer_columns(self.recipe.classes)
        return Answer(str(graph.slide_id), torch.stack(each).mean(0), attention, columns)

    @torch.inference_mode()
    def embedding(self, graph: SpatialGraph, *, max_nodes: int = MAX_NODES) -> Tensor:
        """The vector from which the first head answers for a slide ``[C]``.

        Args:
            graph: The whole slide.
            max_nodes: Patches above which message passing runs in tiles.

        Raises: RunError: if there are several networks, whose vectors lie in spaces of their own, or the
            graph was built otherwise than the model's graphs.
        """
        if len(self.networks) > 1:
            todo = "Vectors of different folds cannot be compared: give one of them, such as RUN/fold_0."
            raise RunError(expected("Embedding", "one network", f"{len(self.networks)}", todo=todo))
        seen = look_in_tiles(self.networks[0], self._ready(graph)[0], max_nodes=max_nodes)
        return seen.head(next(iter(self.recipe.heads))).embedding[0]

    def of_slide(
        self, features: PatchFeatures, *, which: WhichAttention | None = None, max_nodes: int = MAX_NODES
    ) -> Answer:
        """Answer and attention for one slide; see :meth:`graph` and :meth:`answer`."""
        return self.answer(self.graph(features), which=which, max_nodes=max_nodes)

    @property
    def reads_pixels(self) -> bool:
        """Whether slides' images are needed: never, features are all."""
        return False

    def of_fold(self, place: int) -> TrainedModel:
        """One of the networks, in the order of ``model_folders``."""
        return replace(self, networks=(self.networks[place],), tasks=self.tasks[place : place + 1])

    def _check(self, features: PatchFeatures) -> None:
        wanted, where = self.recipe.features, f"Slide '{features.slide_id}'"
        todo = "Encode the slide as the training slides were."
        if features.x.shape[1] != self.recipe.in_channels:
            raise RunError(
                expected(where, f"{self.recipe.in_channels} channels", f"{features.x.shape[1]}", todo=todo)
            )
        if wanted.encoder and features.encoder and wanted.encoder != features.encoder:
            raise RunError(expected(where, f"encoder '{wanted.encoder}'", f"'{features.encoder}'", todo=todo))
        if wanted.patch_px and features.patch_px and wanted.patch_px != features.patch_px:
            raise RunError(
                expected(where, f"patches of {wanted.patch_px} px", f"{features.patch_px} px", todo=todo)
            )
        if wanted.target_mpp is not None and math.isfinite(features.target_mpp):
            ratio = features.target_mpp / wanted.target_mpp
            if abs(ratio - 1) > MPP_TOLERANCE:
                got = f"{features.target_mpp:.3g} um/px"
                raise RunError(expected(where, f"patches at {wanted.target_mpp:.3g} um/px", got, todo=todo))

    def _ready(self, graph: SpatialGraph) -> tuple[SpatialGraph, Tensor | None]:
        """The graph as the networks take it, and the way back to the order of its rows."""
        self._check_graph(graph)
        graph, inverse = orderly(graph)
        return (with_self_loops(graph) if self.recipe.self_loops else graph), inverse

    def _check_graph(self, graph: SpatialGraph) -> None:
        mine = json.dumps(graph_builder(self.recipe).to_dict(), sort_keys=True)
        theirs = graph.builder if "builder" in graph else mine
        if theirs != mine and self.networks[0].encoder.uses_edges:
            raise RunError(
                expected(
                    f"Graph of slide '{graph.slide_id}'",
                    f"a graph built by {mine}",
                    f"one built by {theirs}",
                    todo="Build it with the model's recipe: model.graph(features).",
                )
            )


def load_model(path: str | Path) -> TrainedModel:
    """Load one fold (``runs/a/fold_0``) or a whole run (``runs/a``: its folds, averaged).

    Raises: RunError: if there is no finished model.
    """
    path = Path(path)
    folders = [path] if (path / WEIGHTS).is_file() else model_folders(path)
    if not folders:
        raise RunError(
            expected(
                f"Run '{path}'",
                f"a folder with {WEIGHTS} or folders fold_<i>",
                "neither",
                todo="Give the folder that `wsigraph train --out` wrote.",
            )
        )
    loaded = [load_model_folder(folder) for folder in folders]
    if not loaded[0][1].classifies:
        raise RunError(
            expected(
                f"Run '{path}'",
                "a classifier",
                "a pretrained encoder without a head",
                todo=f"Train one from it: wsigraph train ... --start-from {path}.",
            )
        )
    networks, recipes = zip(*loaded, strict=True)
    encoders = sorted({recipe.features.encoder for recipe in recipes})
    if len(encoders) > 1:
        todo = "Its folds have encoders of their own: give one fold, or ask `wsigraph predict`."
        raise RunError(
            expected(f"Run '{path}'", "folds that read the same features", f"{encoders}", todo=todo)
        )
    return TrainedModel(recipes[0], networks, tuple(recipe.make_task() for recipe in recipes))


def mean_answer(each: Sequence[Answer]) -> Answer:
    """The mean of several answers to one slide, attention too where all have it."""
    given = [one.attention for one in each if one.attention is not None]
    attention = torch.stack(given).mean(0) if len(given) == len(each) else None
    values = torch.stack([one.values for one in each]).mean(0)
    return replace(each[0], values=values, attention=attention)


def model_folders(run: Path) -> list[Path]:
    """Folders of a run's finished models, in order of repeat and fold."""
    return sorted(
        file.parent for file in (*run.glob(f"fold_*/{WEIGHTS}"), *run.glob(f"repeat_*/fold_*/{WEIGHTS}"))
    )


def predict(
    model: TrainedModel, graphs: Iterable[SpatialGraph], *, max_nodes: int = MAX_NODES
) -> list[Answer]:
    """Answers for graphs built by ``model.graph`` or ``to_graph``.

    Args:
        model: A trained model.
        graphs: Whole slides.
        max_nodes: Patches above which a slide runs in tiles, see ``TrainedModel.answer``.

    Raises: RunError: if a graph was built otherwise than the model's graphs.
    """
    return [model.answer(graph, max_nodes=max_nodes) for graph in graphs]
