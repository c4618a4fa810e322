"""Train one arm on one fold, and keep its answers in one small file; finished fits are never repeated."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.srmil_study.arms import ARMS, Arm, build_recipe
from benchmarks.srmil_study.cohorts import Study
from wsigraph.evaluation.metrics import auc
from wsigraph.io.atomic import write_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.models.mil_model import MILModel
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.one_fit import Task, dataset, fit_one
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.label_share import share_of_slides
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split

MOST_EPOCHS = 4
"""A share of the slides is seen for up to this many times the epochs, so that it is not starved of steps."""


@dataclass
class Bench:
    """Fits of one cohort; graphs are built once per graph builder.

    Args:
        study: Which cohort.
        work: Folder of the prepared features; answers go to ``work/fits``.
        commit: What the code stood at, for the record.
        listen: Hears one line per finished fit.
    """

    study: Study
    work: Path
    commit: str = ""
    listen: Callable[[str], None] = lambda line: None
    _ready: dict[tuple[str, bool, str], tuple[Cohort, GraphStore, Any]] = field(default_factory=dict)

    def run(self, arms: Iterable[str], seeds: Iterable[int], *, folds: Iterable[int] | None = None) -> None:
        """Every missing fit, seed by seed."""
        chosen, only = [ARMS[name] for name in arms], None if folds is None else set(folds)
        for seed in seeds:
            for arm in chosen:
                recipe, cohort, store = self._prepared(arm)
                for split in self.study.splits(cohort, seed):
                    if only is None or split.fold in only:
                        self._one(arm, recipe, Task(recipe, cohort, store, self.work, seed, _CPU), split)

    def _prepared(self, arm: Arm) -> tuple[Recipe, Cohort, GraphStore]:
        recipe = build_recipe(
            arm,
            in_channels=self.study.in_channels,
            classes=self.study.classes,
            graph=self.study.graph,
            settings=self.study.settings,
        )
        longer = min(MOST_EPOCHS, round(0.5 / arm.share)) if arm.share < 1 else 1
        recipe = recipe.with_settings({"optimiser.epochs": longer * recipe.optimiser.epochs})
        key = (arm.coords, arm.permuted, str(recipe.graph))
        if key not in self._ready:
            cohort = self.study.cohort(self.work, coords=arm.coords, permuted=arm.permuted)
            told, cohort, store = prepare(recipe, cohort, Silent())
            self._ready[key] = (cohort, store, told.features)
        cohort, store, features = self._ready[key]
        return recipe.model_copy(update={"features": features}), cohort, store

    def _one(self, arm: Arm, recipe: Recipe, whole: Task, split: Split) -> None:
        name = fit_name(self.study.name, arm.name, whole.seed, split.fold)
        file = self.work / "fits" / f"{name}.json"
        if file.is_file():
            return
        folder = self.work / "running" / name
        begin, own = time.process_time(), mix(whole.seed, split.fold)
        task = Task(recipe, whole.cohort, whole.store, folder, own, whole.options)
        train_on = share_of_slides(split.train, whole.cohort.strata, share=arm.share, seed=own)
        model = fit_one(task, train_on=train_on, validate_on=split.val)
        log = list(csv.DictReader((folder / "log.csv").read_text(encoding="utf-8").splitlines()))
        best = min(log, key=lambda row: float(row["val_loss"]))
        record = {
            "data": self.study.name,
            "arm": arm.name,
            "seed": whole.seed,
            "fold": split.fold,
            "commit": self.commit,
            "settings": dict(self.study.settings),
            "num_train": len(train_on),
            "num_val": len(split.val),
            "planned_epochs": recipe.optimiser.epochs,
            "epochs": len(log),
            "best_epoch": int(float(best["epoch"])),
            "val_loss": float(best["val_loss"]),
            "seconds": round(time.process_time() - begin, 2),
            "slides": answers(task, model, split.test, truth=self.work / self.study.name / "truth"),
        }
        write_json(file, record)
        shutil.rmtree(folder, ignore_errors=True)
        self.listen(f"{name}: {record['seconds']} s, val_loss {record['val_loss']:.3f}")


_CPU = TrainerOptions(device="cpu")


def fit_name(data: str, arm: str, seed: int, fold: int) -> str:
    """File name of a fit, without its suffix."""
    return f"{data}-{arm}-seed{seed}-fold{fold}"


@torch.inference_mode()
def answers(task: Task, model: MILModel, indices: Iterable[int], *, truth: Path) -> list[dict[str, Any]]:
    """One row per test slide: probability of the positive class and, where truth is known, how well the
    attention finds the epithelial nuclei of a positive slide (AUC, None where undefined).
    """
    chosen, rows = list(indices), []
    for graph, index in zip(dataset(task, chosen), chosen, strict=True):  # type: ignore[call-overload]
        slide, target = task.cohort.slides[index], task.cohort.targets[index]
        found = model(graph).head()
        attention = found.attention.mean(1).double().numpy()
        file = truth / f"{slide.slide_id}.csv"
        rows.append(
            {
                "slide_id": slide.slide_id,
                "patient_id": slide.patient_id,
                "label": target,
                "probability": float(found.logits.double().softmax(-1)[0, 1]),
                "attention_auc": attention_auc(attention, file) if target and file.is_file() else None,
            }
        )
    return rows


def attention_auc(attention: np.ndarray, file: Path) -> float | None:
    """AUC of the attention for the epithelial nuclei of one image; None where all nuclei are of one kind."""
    kinds = np.array(file.read_text(encoding="utf-8").split()[1:], dtype=np.int64)
    if len(set(kinds.tolist())) < 2:
        return None
    return auc(kinds, np.stack([-attention, attention], axis=1))
