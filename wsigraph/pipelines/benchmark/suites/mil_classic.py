"""Musk, Elephant, Fox, Tiger: the classic bags, which have no places, so that only set methods can answer.

Slides per step were chosen on the first fold of seed 0 of musk1 and fox, by validation loss alone: of 4 and
16 neither was better for both methods looked at, ``abmil`` and ``mean_pool``, and 16 is cheaper. On fox
their loss is lowest after the first epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import sha256
from wsigraph.pipelines.benchmark.arms import reads_places
from wsigraph.pipelines.benchmark.entrants import SETS, wished
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.suite import Suite, Wish

WIDTHS = {"musk1": 166, "musk2": 166, "elephant": 230, "fox": 230, "tiger": 230}
"""Features of an instance, by data set."""
CLASSES = ("negative", "positive")
FOLDS = 10
"""As the literature on these sets has it; drawn anew for each seed."""
SETTINGS = {"optimiser.epochs": 40, "sampler.slides_per_step": 16, "checkpoint.patience": 20}


class MilClassic(Suite, name="mil_classic"):
    """Five sets of 92 to 200 bags of 1 to 1,044 instances without coordinates.

    Musk: shapes of a molecule (Dietterich et al. 1997); the others: segments of a picture (Andrews et al.
    2002). A bag counts as its own patient. Methods that read places are left out,
    ``transmil`` too, which reads patches in raster order.
    """

    title = "Musk1, Musk2, Elephant, Fox, Tiger: bags without places, set methods only"
    names = tuple(WIDTHS)
    needs = "mil_classic"

    def contest(self, name: str, wish: Wish) -> Contest:
        """One of the sets.

        Raises: RunError: if the data are not there, or every method asked for reads places.
        """
        source, folder = self.source(wish) / f"{name}.npz", wish.work / self.name / name
        facts, held = {"source": sha256(source)}, read_bags(source)
        cohort = prepared(
            folder,
            lambda: _bags(name, held),
            slides=len(held),
            facts=facts,
            classes=CLASSES,
            reporter=wish.reporter,
        )
        made = wished(
            wish,
            usual=SETS,
            in_channels=WIDTHS[name],
            classes=CLASSES,
            graph={"name": "knn"},  # reads places: its methods are left out below
            settings=SETTINGS,
        )
        recipes = {which: one for which, one in made.items() if not reads_places(one)}
        if not recipes:
            what = "at least one method that reads no places"
            raise RunError(expected(f"Suite '{self.name}'", what, f"{sorted(made)}"))
        return Contest(name, cohort, recipes, folds=FOLDS)


def read_bags(source: Path) -> list[tuple[np.ndarray, int]]:
    """Instances ``[N, C]`` and class, 0 or 1, of every bag, in the order of the file's bag numbers.

    Args:
        source: A file of ``x [N, C]``, ``bag [N]`` and ``y``, one entry per bag.

    Raises: RunError: if there are not as many classes as bags, or others than 0 and 1.
    """
    with np.load(source, allow_pickle=False) as file:
        x, bag, y = file["x"], file["bag"], file["y"]
    numbers = np.unique(bag)
    if len(numbers) != len(y) or not np.isin(y, (0, 1)).all():
        got = f"{len(numbers)} bags, {len(y)} labels of {np.unique(y).tolist()}"
        raise RunError(expected(f"Bags '{source.name}'", "a label 0 or 1 for each bag", got))
    return [(x[bag == number], int(label)) for number, label in zip(numbers, y, strict=True)]


def _bags(name: str, held: list[tuple[np.ndarray, int]]) -> Iterator[Bag]:
    none = np.empty((0, 2), dtype=np.int64)
    for i, (x, label) in enumerate(held, start=1):
        slide = f"{name}_{i:03d}"
        features = PatchFeatures(slide, x.astype(np.float32), none, encoder=name)
        yield Bag(features, slide, CLASSES[label])
