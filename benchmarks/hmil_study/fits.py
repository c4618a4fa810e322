"""Train one arm on one fold, and keep its answers in one small file; finished fits are never repeated."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hmil_study.arms import ARMS, Arm, build_recipe
from benchmarks.hmil_study.cohorts import Study
from wsigraph.io.atomic import write_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split

_CPU = TrainerOptions(device="cpu")


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
    _ready: dict[str, tuple[Recipe, Cohort, GraphStore]] = field(default_factory=dict)

    def run(self, arms: Iterable[str], seeds: Iterable[int], *, folds: Iterable[int] | None = None) -> None:
        """Every missing fit, seed by seed."""
        chosen, only = [ARMS[name] for name in arms], None if folds is None else set(folds)
        for seed in seeds:
            for arm in chosen:
                recipe, cohort, store = self._prepared(arm)
                for split in self.study.splits(cohort, seed):
                    if only is None or split.fold in only:
                        self._one(arm, Task(recipe, cohort, store, self.work, seed, _CPU), split)

    def _prepared(self, arm: Arm) -> tuple[Recipe, Cohort, GraphStore]:
        study = self.study
        recipe = build_recipe(
            arm, study.tree, in_channels=study.in_channels, graph=study.graph, settings=study.settings
        )
        key = str(recipe.graph)
        if key not in self._ready:
            self._ready[key] = prepare(recipe, study.cohort(self.work), Silent())
        told, cohort, store = self._ready[key]
        return recipe.model_copy(update={"features": told.features}), cohort, store

    def _one(self, arm: Arm, whole: Task, split: Split) -> None:
        name = f"{self.study.name}-{arm.name}-seed{whole.seed}-fold{split.fold}"
        file = self.work / "fits" / f"{name}.json"
        if file.is_file():
            return
        folder, begin = self.work / "running" / name, time.process_time()
        own = mix(whole.seed, split.fold)
        task = Task(whole.recipe, whole.cohort, whole.store, folder, own, whole.options)
        model = fit_one(task, train_on=split.train, validate_on=split.val)
        log = list(csv.DictReader((folder / "log.csv").read_text(encoding="utf-8").splitlines()))
        best = min(log, key=lambda row: float(row["val_loss"]))
        rows = answer_all(task, model, split.test, split="test", repeat=whole.seed, fold=split.fold)
        record: dict[str, Any] = {
            "data": self.study.name,
            "arm": arm.name,
            "seed": whole.seed,
            "fold": split.fold,
            "commit": self.commit,
            "settings": dict(self.study.settings),
            "epochs": len(log),
            "best_epoch": int(float(best["epoch"])),
            "val_loss": float(best["val_loss"]),
            "seconds": round(time.process_time() - begin, 2),
            "slides": [
                {"slide_id": r.slide_id, "patient_id": r.patient_id, "labels": r.target, "values": r.values}
                for r in rows
            ],
        }
        write_json(file, record)
        shutil.rmtree(folder, ignore_errors=True)
        self.listen(f"{name}: {record['seconds']} s, val_loss {record['val_loss']:.3f}")
