"""What a benchmark asks: which recipes on which cohorts, with which controls, seeds and label shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from wsigraph.data.node_labels import NodeLabels
from wsigraph.errors import RunError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.ids import check_id
from wsigraph.io.splits import SplitSet
from wsigraph.training.recipe import Recipe

Control = Callable[[Recipe], Recipe]
"""Makes of a graph recipe one that lacks something: true places, edges, nearness."""

PLAIN = "none"
"""Name of the control that changes nothing."""


@dataclass(frozen=True)
class Contest:
    """Recipes that answer the same slides, or the patches of the same slides.

    Args:
        name: Name of the cohort, as results call it.
        cohort: Its slides.
        recipes: What is trained, by name.
        folds: Folds, drawn anew for each seed, where no splits are given.
        splits: Official splits, the same for every seed; one repeat.
        synthetic: Whether features, places or labels are made up; said wherever its numbers stand.
        nodes: Classes of the patches, by slide, where patches are answered; None where slides are. Slides
            then need no label of their own, and splits are given.

    Raises: RunError: if there is no recipe, the splits test a slide several times, or patches are to be
        answered and a slide has no labels of patches, or there are no splits. CohortError: if a name
        cannot stand in a file name.
    """

    name: str
    cohort: Cohort
    recipes: Mapping[str, Recipe]
    folds: int = 5
    splits: SplitSet | None = None
    synthetic: bool = False
    nodes: Mapping[str, NodeLabels] | None = None

    def __post_init__(self) -> None:
        for name in (self.name, *self.recipes):
            check_id(name, where="Benchmark name")
        if not self.recipes:
            raise RunError(expected(f"Benchmark of '{self.name}'", "at least one recipe", "none"))
        joined = [name for name in self.recipes if "+" in name]
        if joined:
            what = "recipe names without '+', which joins a control"
            raise RunError(expected(f"Benchmark of '{self.name}'", what, f"'{joined[0]}'"))
        repeats = 1 if self.splits is None else self.splits.resamples_apart().repeats
        if repeats > 1:
            what = "splits of one repeat that test each slide once"
            todo = "Seeds repeat a benchmark: give the splits of one repeat."
            raise RunError(expected(f"Benchmark of '{self.name}'", what, f"{repeats} repeats", todo=todo))
        if self.nodes is not None:
            self._check_nodes(self.nodes)

    def _check_nodes(self, nodes: Mapping[str, NodeLabels]) -> None:
        where = f"Benchmark of patches of '{self.name}'"
        absent = [slide.slide_id for slide in self.cohort.slides if slide.slide_id not in nodes]
        if absent:
            got = f"none of {len(absent)} (first '{absent[0]}')"
            raise RunError(expected(where, "labels of the patches of every slide", got))
        if self.splits is None:
            raise RunError(expected(where, "given splits", "none", todo="Leave one patient out at a time."))


@dataclass(frozen=True)
class BenchmarkPlan:
    """A whole grid.

    Args:
        contests: Cohorts with their recipes.
        seeds: Of folds, weights, masks, dropout and order.
        controls: By name; each is tried on every recipe that has edges or reads places, and that it changes.
        shares: Shares of the training slides that are used, for low-label curves; epochs stay as they are.
        code: What the code stood at: results of another code are other results.

    Raises: RunError: if two contests have one name, a seed or share stands twice, or a control has the name
        of none.
    """

    contests: tuple[Contest, ...]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    controls: Mapping[str, Control] = field(default_factory=dict)
    shares: tuple[float, ...] = (1.0,)
    code: str = field(default_factory=lambda: version("wsigraph"))

    def __post_init__(self) -> None:
        names = [contest.name for contest in self.contests]
        for what, given in (("contest", names), ("seed", self.seeds), ("share", self.shares)):
            if not given or len(set(given)) < len(given):
                raise RunError(expected("Benchmark", f"each {what} once, and one at least", f"{list(given)}"))
        wrong = [share for share in self.shares if not 0.0 < share <= 1.0]
        if wrong:
            raise RunError(expected("Benchmark", "shares above 0 and up to 1", f"{wrong[0]}"))
        if PLAIN in self.controls:
            raise RunError(expected("Benchmark", f"controls other than '{PLAIN}'", f"'{PLAIN}'"))
        for name in self.controls:
            check_id(name, where="Benchmark control")
