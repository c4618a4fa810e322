"""Train one arm on one fold, and keep its answers in one small file; finished fits are never repeated."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.hnm.arms import ARMS, DEALT, Arm
from benchmarks.hnm.pixels import ImagePatches
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.graph_store import GraphStore
from wsigraph.io.model_files import load_model_folder
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import look_in_tiles
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.mine_fold import run_fold
from wsigraph.pipelines.mine_job import CLASSIFIER, MineJob, scoring_term
from wsigraph.pipelines.mine_scores import patch_scores
from wsigraph.pipelines.mine_sources import FeatureRows, RawPatches
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import MineSettings
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, make_folds

FOLDS = 10
KNOWN = {**ARMS, **DEALT}
_CPU = TrainerOptions(device="cpu")


@dataclass(frozen=True)
class HeldPixels:
    """Pixels in memory as a source of raw patches.

    Args:
        images: By name.
    """

    images: dict[str, ImagePatches]

    def read(self, slide: Slide, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """All patches of an image, or some."""
        pixels = self.images[slide.slide_id].pixels
        yield pixels if rows is None else pixels[rows]

    def row_bytes(self, example: PatchFeatures) -> int:
        """Bytes of one patch."""
        return 3 * example.patch_px**2


class Clock(Silent):
    """A reporter that adds up the processor's seconds of each task, rounds apart."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began: dict[str, float] = {}

    def start(self, task: str, total: int) -> None:
        """A task begins."""
        self._began[task] = time.process_time()

    def finish(self, task: str) -> None:
        """A task is over."""
        self.seconds[task] = self.seconds.get(task, 0.0) + time.process_time() - self._began[task]


@dataclass
class Bench:
    """Fits of all arms.

    Args:
        work: Folder of the prepared features; answers go to ``work/fits``.
        images: Pixels of the images.
        commit: What the code stood at, for the record.
        quick: Settings for a trial, which is recorded: of recipes, and of loops.
        listen: Hears one line per finished fit.
    """

    work: Path
    images: Sequence[ImagePatches]
    commit: str = ""
    quick: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    listen: Callable[[str], None] = lambda line: None
    _ready: dict[str, tuple[Recipe, Cohort, GraphStore]] = field(default_factory=dict)

    def run(self, arms: Iterable[str], seeds: Iterable[int], *, folds: Iterable[int] | None = None) -> None:
        """Every missing fit, seed by seed."""
        only = None if folds is None else set(folds)
        for seed in seeds:
            for name in arms:
                recipe, cohort, store = self._prepared(KNOWN[name])
                for split in make_folds(cohort.labels, cohort.patients, folds=FOLDS, seed=seed):
                    file = self.work / "fits" / f"crchisto-{name}-seed{seed}-fold{split.fold}.json"
                    if (only is None or split.fold in only) and not file.is_file():
                        whole = Task(recipe, cohort, store, self.work, seed, _CPU)
                        self._one(KNOWN[name], whole, split, file)

    def _prepared(self, arm: Arm) -> tuple[Recipe, Cohort, GraphStore]:
        if arm.name not in self._ready:
            recipe = arm.build()
            recipe = recipe.with_settings(self.quick[0]) if self.quick[0] else recipe
            folder = self.work / "crchisto"
            cohort = Cohort.from_manifest(
                folder / "manifest.csv", features=folder / "true", classes=recipe.classes
            )
            self._ready[arm.name] = prepare(recipe, cohort, Silent())
        return self._ready[arm.name]

    def _one(self, arm: Arm, whole: Task, split: Split, file: Path) -> None:
        folder = self.work / "running" / file.stem
        task = replace(whole, folder=folder, seed=mix(whole.seed, split.fold))
        clock, begin, settings = Clock(), time.process_time(), arm.settings
        if settings is None:
            model = fit_one(task, train_on=split.train, validate_on=split.val)
            slides, rounds = _answers(task, model, split), []
        else:
            slides, rounds = self._mined(task, settings.with_changes(self.quick[1]), split, clock)
        record = {
            "data": "crchisto",
            "arm": arm.name,
            "seed": whole.seed,
            "fold": split.fold,
            "commit": self.commit,
            "quick": list(self.quick),
            "seconds": round(time.process_time() - begin, 2),
            "tasks": {name: round(spent, 2) for name, spent in clock.seconds.items()},
            "rounds": rounds,
            "slides": slides,
        }
        write_json(file, record)
        shutil.rmtree(folder, ignore_errors=True)
        self.listen(f"{file.stem}: {record['seconds']} s")

    def _mined(
        self, task: Task, settings: MineSettings, split: Split, clock: Clock
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        reads = settings.make_network(task.recipe.in_channels).reads
        held = HeldPixels({image.name: image for image in self.images})
        raw: RawPatches = held if reads == "pixels" else FeatureRows()
        job = MineJob(
            task.recipe, task.cohort, task.store, raw, settings, split, task.folder, task.seed, _CPU, clock
        )
        run_fold(job, fold=split.fold)
        number = int(read_json(task.folder / "chosen.json")["round"])
        recipe, cohort, store = job.at_round(number, split.test)
        model = load_model_folder(job.round(number) / CLASSIFIER)[0]
        own = Task(recipe, cohort, store, task.folder, task.seed, _CPU)
        every = replace(split, test=tuple(range(len(split.test))))
        rounds = [_round(job, n) for n in range(1, settings.rounds + 1)]
        return _answers(own, model, every), [{"chosen": number}, *rounds]


def _round(job: MineJob, number: int) -> dict[str, Any]:
    """What was mined in a round, of how many patches, and the validation score after it."""
    epochs = read_json(job.round(number) / "mining.json")["epochs"]
    train = sum(job.store.facts[job.cohort.slides[i].slide_id].num_nodes for i in job.split.train)
    judged = read_json(job.round(number) / "judged.json")
    last = epochs[-1]
    return {
        "positives": last["positives"],
        "negatives": last["negatives"],
        "train_patches": train,
        "score": judged["score"],
        "accepted": judged["accepted"],
    }


@torch.inference_mode()
def _answers(task: Task, model: MILModel, split: Split) -> list[dict[str, Any]]:
    """For each test image its probability, and a score of each nucleus in the order of the features.

    A nucleus is scored by the probability of its patch where the recipe makes one, else by the attention.
    """
    rows = answer_all(task, model, split.test, split="test")
    scored = any(term.name == "max_instance" for term in task.recipe.terms.values())
    found = []
    for row, index in zip(rows, split.test, strict=True):
        slide = task.cohort.slides[index]
        if scored:
            nuclei = patch_scores(model, task.recipe, scoring_term(task.recipe), slide)[:, 0]
        else:
            nuclei = _attention(task, model, slide)
        found.append(
            {
                "slide_id": slide.slide_id,
                "patient_id": slide.patient_id,
                "label": row.label,
                "probability": row.probabilities[1],
                "comparable": scored,
                "nuclei": [round(float(value), 5) for value in nuclei],
            }
        )
    return found


def _attention(task: Task, model: MILModel, slide: Slide) -> torch.Tensor:
    """Attention times the number of nuclei, rows as in the feature file."""
    from wsigraph.data.order import orderly
    from wsigraph.graph.build import to_graph
    from wsigraph.io.features import read_features
    from wsigraph.training.build import graph_builder

    built = to_graph(read_features(slide.path, slide_id=slide.slide_id), graph_builder(task.recipe))
    graph, inverse = orderly(built)
    attention = look_in_tiles(model, graph).head(next(iter(model.heads))).attention
    assert attention is not None
    last = attention[:, -1] * len(attention)  # of the positive class where there is one for each
    return last if inverse is None else last[inverse]
