"""A synthetic contest of a set and a graph method, small enough to be trained many times."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wsigraph.io.atomic import write_json
from wsigraph.pipelines.benchmark import BenchmarkPlan, Contest
from wsigraph.pipelines.reporter import Silent


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def listener():
    return Listener()


def without_edges(recipe):
    """A control: the same method on a graph that joins nothing."""
    return recipe.with_settings({"graph": {"name": "edgeless"}})


@pytest.fixture
def contest(cohort, small):
    """``abmil`` and ``gcn`` on 14 synthetic slides of 12 patients, one epoch, two folds."""

    def make(of=cohort, **options):
        recipes = {name: small(name, optimiser__epochs=1) for name in ("abmil", "gcn")}
        return Contest("toy", of, **{"recipes": recipes, "folds": 2, **options})

    return make


@pytest.fixture
def plan(contest):
    """Three methods, two folds, one seed: six cells."""

    def make(**options):
        given = {"contests": (contest(),), "seeds": (0,), "controls": {"edgeless": without_edges}}
        return BenchmarkPlan(**{**given, "code": "1", **options})

    return make


SETS = ("abmil", "max_pool", "mean_pool", "transmil")
GRAPHS = ("gcn", "gin", "patchgcn", "srmil")
CONTROLS = ("edgeless", "feature_knn", "random_degree", "shuffled")


def made_up_cells(cohort, skills, *, patients=60, seeds=(0, 1), classes=2, share=1.0, synthetic=False):
    """Cells as a benchmark writes them; nothing was trained.

    Each method's score of the true class is its skill plus noise, half of which all methods share. Validation
    losses fall with skill. Every other patient has two slides.
    """
    slides = [(f"s{p}{part}", p) for p in range(patients) for part in "ab"[: 1 + p % 2]]
    rng = np.random.default_rng(len(cohort))
    truth = rng.permutation(np.arange(patients) % classes)
    cells = []
    for seed in seeds:
        shared = np.random.default_rng([seed, 7]).normal(size=(len(slides), classes))
        for place, (method, skill) in enumerate(skills.items()):
            own = np.random.default_rng([seed, place]).normal(size=(len(slides), classes))
            recipe, _, control = method.partition("+")
            for fold in (0, 1):
                rows = []
                for i, (slide, patient) in enumerate(slides):
                    if patient % 2 == fold:
                        logits = (
                            0.7 * (shared[i] + own[i]) + skill * share**0.5 * np.eye(classes)[truth[patient]]
                        )
                        chance = np.exp(logits) / np.exp(logits).sum()
                        rows.append(
                            {"slide_id": slide, "patient_id": f"p{patient}", "label": int(truth[patient])}
                            | {"probabilities": [float(c) for c in chance], "repeat": seed, "fold": fold}
                            | {"split": "test"}
                        )
                told = {"cohort": cohort, "recipe": recipe, "control": control or "none", "seed": seed}
                cells.append(
                    {**told, "fold": fold, "folds": 2, "share": share, "code": "1", "settings": {}}
                    | {"kind": "graph" if recipe in GRAPHS else "set", "synthetic": synthetic, "rows": rows}
                    | {"parameters": 1000 * (1 + place), "epochs": 20, "val_loss": 1.0 - 0.2 * skill}
                    | {
                        "seconds": 2.0 * 1.3**place,
                        "cpu_seconds": 2.5 * 1.3**place,
                        "peak_memory": None,
                        "slides_sha256": cohort,
                    }
                )
    return cells


def made_up_skills(graph=1.2, shuffled=0.9, *, base=0.9):
    """Skills of four set methods, four graph methods and the controls of each."""
    skills = {name: base - 0.1 * place for place, name in enumerate(SETS)}
    for place, name in enumerate(GRAPHS):
        skills[name] = graph - 0.12 * place
        skills |= {f"{name}+{control}": shuffled - 0.12 * place for control in CONTROLS}
    return skills


def write_cells(folder, cells):
    """Write them where a benchmark would."""
    for cell in cells:
        method = cell["recipe"] + ("" if cell["control"] == "none" else f"+{cell['control']}")
        share = "" if cell["share"] == 1.0 else f"-share{cell['share']:g}"
        name = f"{cell['cohort']}-{method}-seed{cell['seed']}-fold{cell['fold']}{share}-0123"
        write_json(folder / "cells" / f"{name}.json", cell)
    return folder


@pytest.fixture
def made_up():
    """``made_up_cells``, ``made_up_skills`` and ``write_cells``."""
    return SimpleNamespace(cells=made_up_cells, skills=made_up_skills, write=write_cells)
