"""Made-up tissue with a dial: labels that only the arrangement of patches tells, and labels that it does not.

Size and length were chosen on the first fold of seed 0 at strength 1. On 18 cells a side and with 16 epochs
``gin`` and ``srmil`` stayed below an AUC of .95 on the test side of clustering and gradient; on 22 cells
``gin`` reached 1.0 on both after 12 epochs, which cost as much. The aim being known beforehand, and the data
made up, the size was chosen by that; nothing of a method was.
"""

from __future__ import annotations

from collections.abc import Iterator

from wsigraph.pipelines.benchmark.entrants import wished
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.suite import Suite, Wish
from wsigraph.synthetic.dial import Arrangement, shares_cohort, twin_cohort
from wsigraph.synthetic.features import SyntheticCohort

STRENGTHS = (0.0, 0.5, 1.0)
"""Share of the cells that stand as the label says."""
SHARES = (0.1, 1.0)
"""Strengths of the reverse, a label by composition: hardly to be seen, and plainly."""
PAIRS = 60
"""Twins of an arrangement, and half the slides of the reverse."""
GRID = 22
FOLDS = 3
GRAPH = {"name": "knn", "k": 8}
SETTINGS = {"optimiser.epochs": 12, "sampler.slides_per_step": 2, "checkpoint.patience": 20}


class Synthetic(Suite, name="synthetic"):
    """Five arrangements at three strengths, and ``shares``, where composition alone tells the label.

    Slides of an arrangement are twins: the same rows of features, laid out for either label. A set model
    answers twins alike, so that its AUC is .5 in every fold whatever it learned. ``transmil`` reads patches
    in raster order, which is space: it is no set model in this sense.
    """

    title = "synthetic tissue: labels by arrangement alone, at three strengths, and by composition alone"

    @property
    def names(self) -> tuple[str, ...]:
        """``<arrangement>_<strength>`` for each, then ``shares_<strength>``."""
        return tuple(_asked())

    def contest(self, name: str, wish: Wish) -> Contest:
        """One arrangement, or the reverse, at one strength."""
        (what, strength), folder = _asked()[name], wish.work / self.name / name
        facts = {"what": what, "strength": strength, "pairs": PAIRS, "grid": GRID}
        sample = _made(what, strength, pairs=1)
        cohort = prepared(
            folder,
            lambda: _bags(what, strength),
            slides=2 * PAIRS,
            facts=facts,
            classes=sample.classes,
            reporter=wish.reporter,
        )
        recipes = wished(
            wish,
            in_channels=sample.features[0].x.shape[1],
            classes=sample.classes,
            graph=GRAPH,
            settings=SETTINGS,
        )
        return Contest(name, cohort, recipes, folds=FOLDS, synthetic=True)


def _asked() -> dict[str, tuple[str, float]]:
    """What is made up and how strongly, by the name of the contest."""
    arranged = [(name, strength) for name in Arrangement.registry.names() for strength in STRENGTHS]
    reverse = [("shares", strength) for strength in SHARES]
    return {f"{what}_{strength:.1f}": (what, strength) for what, strength in (*arranged, *reverse)}


def _made(what: str, strength: float, *, pairs: int) -> SyntheticCohort:
    if what == "shares":
        return shares_cohort(2 * pairs, strength=strength, grid=GRID)
    return twin_cohort(what, pairs, strength=strength, grid=GRID)


def _bags(what: str, strength: float) -> Iterator[Bag]:
    made = _made(what, strength, pairs=PAIRS)
    for features, patient, label in zip(made.features, made.patients, made.labels, strict=True):
        yield Bag(features, patient, made.classes[label])
