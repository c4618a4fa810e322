"""Train one network on given slides and answer others: the unit every longer job repeats."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from wsigraph.io.checkpoints import AtomicCheckpoints, load_checkpoint
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphDataset, GraphStore
from wsigraph.io.log_file import write_log
from wsigraph.io.model_files import WEIGHTS, load_model_folder, save_model
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import look_in_tiles
from wsigraph.nn.standardise import Standardise
from wsigraph.pipelines.start import take
from wsigraph.pipelines.threads import threads_for
from wsigraph.training.fit_loop import TrainerOptions, train
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import Recipe
from wsigraph.training.slide_logits import slide_logits


@dataclass(frozen=True)
class Task:
    """One network to train.

    Args:
        recipe: What to train.
        cohort: All slides.
        store: Their graphs.
        folder: Where the network, its log and its checkpoints go.
        seed: Seed of weights, masks, dropout and order.
        options: Device, workers, precision.
        start: Folder of the network whose weights this one starts from; drawn from the seed where None.
    """

    recipe: Recipe
    cohort: Cohort
    store: GraphStore
    folder: Path
    seed: int
    options: TrainerOptions
    start: Path | None = None


def fit_one(
    task: Task,
    *,
    train_on: Sequence[int],
    validate_on: Sequence[int],
    listen: Callable[[dict[str, float]], None] = lambda row: None,
) -> MILModel:
    """Train one network, or load it if it is finished; an interrupted one goes on where it was.

    Args:
        task: What to train, and where.
        train_on: Indices of training slides.
        validate_on: Indices of validation slides.
        listen: Called with each epoch's log row.
    """
    if (task.folder / WEIGHTS).is_file():
        return load_model_folder(task.folder)[0]
    model, objectives = task.recipe.build(seed=task.seed)
    if isinstance(model.standardise, Standardise):
        model.standardise.set_statistics(*task.store.statistics([task.cohort.slides[i] for i in train_on]))
    if task.start is not None:
        take(task.start, model, objectives)
    targets = torch.as_tensor([task.cohort.targets[i] for i in train_on])
    objectives.see(task.recipe.make_task().step_target(targets))
    module = MILModule(model, objectives, recipe=task.recipe, seed=task.seed)
    checkpoints = task.folder / "checkpoints"
    with threads_for(_patches_per_slide(task, train_on)):
        best = train(
            module,
            train_graphs=dataset(task, train_on),
            val_graphs=dataset(task, validate_on),
            folder=checkpoints,
            checkpoint_io=AtomicCheckpoints(),
            options=task.options,
            listen=listen,
        )
    module.load_state_dict(load_checkpoint(best)["state_dict"])
    write_log(task.folder / "log.csv", module.history)
    save_model(task.folder, model, task.recipe, objectives=objectives)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return model.eval()


def _patches_per_slide(task: Task, train_on: Sequence[int]) -> float:
    """Of a usual training slide, or of its window."""
    sizes = [task.store.facts[task.cohort.slides[i].slide_id].num_nodes for i in train_on]
    window = task.recipe.sampler.window_patches
    return sum(size if window is None else min(size, window) for size in sizes) / len(sizes)


def dataset(task: Task, indices: Sequence[int]) -> GraphDataset:
    """Graphs and targets of some slides of the cohort."""
    targets = task.cohort.targets
    return GraphDataset(task.store, [task.cohort.slides[i] for i in indices], [targets[i] for i in indices])


@torch.inference_mode()
def answer_all(
    task: Task, model: MILModel, indices: Sequence[int], *, split: str, repeat: int = 0, fold: int = 0
) -> list[Any]:
    """Answers for some slides, each as a whole; none from a network without heads."""
    if not model.heads:
        return []
    model.eval()
    asked, targets = task.recipe.make_task(), task.cohort.targets
    rows = []
    for graph, index in zip(dataset(task, indices), indices, strict=True):  # type: ignore[call-overload]
        slide = task.cohort.slides[index]
        values = asked.answer(slide_logits(task.recipe, look_in_tiles(model, graph)))[0]
        row = asked.prediction(slide.slide_id, slide.patient_id, values=values, target=targets[index])
        rows.append(replace(row, repeat=repeat, fold=fold, split=split))
    return rows


def having_seen(recipe: Recipe, cohort: Cohort, train_on: Sequence[int]) -> Recipe:
    """The recipe, its task knowing what it may of the targets of the training slides (scale, time bins).

    Raises: CohortError: if the task cannot learn from them.
    """
    if not recipe.classifies:
        return recipe
    targets = cohort.targets
    return recipe.knowing(recipe.make_task().seen([targets[i] for i in train_on]))
