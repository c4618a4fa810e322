"""A synthetic contest of a set and a graph method, small enough to be trained many times."""

from __future__ import annotations

import pytest

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
