"""Train one cell and say what it answered, as one value that can be written."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from torch import nn

from wsigraph.errors import RunError, WsigraphError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.io.log_file import read_log
from wsigraph.io.memory import forget_peak, peak_memory
from wsigraph.models.mil_model import MILModel
from wsigraph.pipelines.benchmark.grid import Cell
from wsigraph.pipelines.benchmark.looks import looks
from wsigraph.pipelines.benchmark.node_fit import answer_patches, fit_patches
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one, having_seen
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.label_share import share_of_slides
from wsigraph.training.node_head import NodeClassifier
from wsigraph.training.recipe import FeatureSettings, Recipe
from wsigraph.training.seeds import mix

Graphs = tuple[str, str, bool]
"""Cohort, graph builder with its options, self-loops: what cells must share to share graphs."""
FEW = 24
"""About how many training slides are enough to time an epoch."""
_Prepared = tuple[Cohort, GraphStore, FeatureSettings]


@dataclass
class Workshop:
    """Trains cells; the graphs of a contest are built once per graph builder.

    Args:
        folder: Where networks lie while they are trained, so that a killed cell goes on where it was.
        trainer: Device, workers, precision.
        builders: Graph builders of the whole grid, which share the memory for kept graphs.
    """

    folder: Path
    trainer: TrainerOptions
    builders: int = 1
    _stores: dict[Graphs, _Prepared | WsigraphError] = field(default_factory=dict)

    def record(self, cell: Cell) -> dict[str, Any]:
        """Train a cell and answer its test slides, or their patches.

        Seconds are of training and answers, without reading features and building graphs; of a cell that was
        killed and went on they are unknown (None). Memory is what the process held at most beyond what it
        held before, in bytes. ``val_loss`` is of the best epoch, the only number a choice may rest on.

        Raises: RunError: if slides of the contest cannot be used by this method.
        """
        recipe, cohort, store = self._prepared(cell)
        own, folder = mix(cell.seed, cell.place), self.folder / cell.name
        resumed = folder.exists()
        train_on = share_of_slides(cell.split.train, cohort.strata, share=cell.share, seed=own)
        task = Task(having_seen(recipe, cohort, train_on), cohort, store, folder, own, self.trainer)
        wall, processor, held = time.perf_counter(), time.process_time(), forget_peak()
        model = _fit(task, cell, train_on, val=cell.split.val)
        rows = _answers(task, cell, model)
        spent = time.perf_counter() - wall, time.process_time() - processor
        log, peak = read_log(folder / "log.csv"), peak_memory()
        return {
            **cell.facts,
            "kind": cell.arm.kind,
            "synthetic": cell.ready.contest.synthetic,
            "settings": recipe.to_dict(),
            "slides_sha256": cell.ready.digest,
            "num_train": len(train_on),
            "num_val": len(cell.split.val),
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "epochs": len(log),
            "val_loss": min(row["val_loss"] for row in log),
            "peak_memory": None if held is None or peak is None else max(0, peak - held),
            "seconds": None if resumed else spent[0],
            "cpu_seconds": None if resumed else spent[1],
            "rows": [asdict(row) for row in rows],
            "looks": _looks(task, cell, model),
        }

    def epoch_seconds(self, cell: Cell) -> float:
        """Seconds that an epoch of this cell takes, from the second of two over a few of its slides.

        The first also sets things up. Nothing of either is kept.

        Raises: RunError: if slides of the contest cannot be used by this method.
        """
        recipe, cohort, store = self._prepared(cell)
        train, val = cell.split.train, cell.split.val
        share = min(1.0, FEW / len(train))
        some = share_of_slides(train, cohort.strata, share=share, seed=cell.seed)
        checked = val[: max(1, round(share * len(val)))]
        recipe = having_seen(recipe, cohort, some).with_settings({"optimiser.epochs": 2})
        folder = self.folder / f"{cell.name}-trial"
        task = Task(recipe, cohort, store, folder, cell.seed, self.trainer)
        ends: list[float] = []
        try:
            _fit(task, cell, some, val=checked, listen=lambda _: ends.append(time.perf_counter()))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return (ends[-1] - ends[0]) * len(train) / len(some)

    def clear(self, cell: Cell) -> None:
        """Delete what training left of a cell whose result is kept."""
        shutil.rmtree(self.folder / cell.name, ignore_errors=True)

    def _prepared(self, cell: Cell) -> tuple[Recipe, Cohort, GraphStore]:
        """The recipe with what it knows of the features, its slides and their graphs."""
        recipe, cohort = cell.arm.recipe, cell.ready.cohort
        key = graphs_of(cell)
        if key not in self._stores:
            self._stores[key] = self._prepare(recipe, cohort)
        found = self._stores[key]
        if isinstance(found, WsigraphError):
            raise found
        kept, store, features = found
        lost = {slide: why for slide, why in kept.left_out.items() if slide not in cohort.left_out}
        if lost:
            slide, why = next(iter(lost.items()))
            where, what = f"Benchmark of '{cell.ready.contest.name}', method '{cell.arm.name}'", "every slide"
            raise RunError(expected(where, what, f"{len(lost)} that it cannot use (first '{slide}': {why})"))
        known = recipe.knowing(recipe.make_task().for_cohort(kept.targets)) if recipe.classifies else recipe
        return known.model_copy(update={"features": features}), kept, store

    def _prepare(self, recipe: Recipe, cohort: Cohort) -> _Prepared | WsigraphError:
        """Slides, graphs and features; an error is kept too, so that slides are not read for it again."""
        try:
            told, kept, store = prepare(
                recipe, cohort, Silent(), cache_gb=self.trainer.cache_gb / max(1, self.builders)
            )
        except WsigraphError as error:
            return error
        return kept, store, told.features


def _fit(
    task: Task,
    cell: Cell,
    train_on: Sequence[int],
    *,
    val: Sequence[int],
    listen: Callable[[dict[str, float]], None] = lambda row: None,
) -> nn.Module:
    """A network that learned from these slides, or from their patches."""
    labels = cell.ready.contest.nodes
    if labels is None:
        return fit_one(task, train_on=train_on, validate_on=val, listen=listen)
    return fit_patches(task, labels, train_on=train_on, validate_on=val, listen=listen)


def _looks(task: Task, cell: Cell, model: nn.Module) -> list[dict[str, Any]]:
    """Where it looks, of the cells that keep it."""
    return looks(task, model, cell.split.test) if cell.shows and isinstance(model, MILModel) else []


def _answers(task: Task, cell: Cell, model: nn.Module) -> list[Any]:
    """What it says of the test slides, or of their patches."""
    labels, place = cell.ready.contest.nodes, {"repeat": cell.seed, "fold": cell.place}
    if isinstance(model, NodeClassifier):
        return answer_patches(task, model, labels or {}, cell.split.test, **place)
    return answer_all(task, cast(MILModel, model), cell.split.test, split="test", **place)


def graphs_of(cell: Cell) -> Graphs:
    """Which graphs a cell is trained on."""
    recipe = cell.arm.recipe
    return cell.ready.contest.name, json.dumps(recipe.graph.model_dump(), sort_keys=True), recipe.self_loops
