"""One loop of mining: what it needs to know, and where its rounds lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wsigraph.errors import RecipeError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.objectives.terms.max_instance import MaxInstance
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.mine_sources import RawPatches
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import MineSettings
from wsigraph.training.recipe import FeatureSettings, Recipe
from wsigraph.training.splits import Split

FEATURES = "features"
CLASSIFIER = "classifier"


@dataclass(frozen=True)
class MineJob:
    """The loop on one fold.

    Args:
        recipe: The slide classifier, for the first features.
        cohort: All slides, with their first feature files.
        store: Their graphs.
        raw: Where raw patches come from.
        settings: How the encoder is fine-tuned.
        split: Which slides train, validate and test.
        folder: Where the rounds go.
        seed: Seed of the fold.
        options: Device, workers, precision.
        reporter: Hears of the progress.
    """

    recipe: Recipe
    cohort: Cohort
    store: GraphStore
    raw: RawPatches
    settings: MineSettings
    split: Split
    folder: Path
    seed: int
    options: TrainerOptions
    reporter: Reporter

    @property
    def device(self) -> str:
        """Where patch networks run."""
        import torch

        if self.options.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        return self.options.device

    def round(self, number: int) -> Path:
        """Folder of a round; that of round 0 is the classifier on the first features."""
        return self.folder / f"round_{number}"

    def at_round(self, number: int, indices: Sequence[int]) -> tuple[Recipe, Cohort, GraphStore]:
        """Some slides with the features of a round.

        Args:
            number: The round; 0 for the first features.
            indices: Slides of the cohort; those of the result stand in this order.

        Returns: The recipe for these features, the slides, and their graphs.
        """
        some = self.cohort.subset(indices)
        if number == 0:
            return self.recipe, some, self.store
        folder = self.round(number) / FEATURES
        slides = tuple(replace(slide, path=folder / f"{slide.slide_id}.h5") for slide in some.slides)
        width = self.settings.make_network(self.recipe.in_channels).out_channels
        recipe = self.recipe.model_copy(update={"in_channels": width, "features": FeatureSettings()})
        return prepare(recipe, replace(some, slides=slides, notes=()), Silent())


def scoring_term(recipe: Recipe) -> MaxInstance:
    """The term whose patch scores are mined: the first ``max_instance`` of the recipe.

    Raises: RecipeError: if the recipe has none.
    """
    _, objectives = recipe.build()
    for term in objectives.terms.values():
        if isinstance(term, MaxInstance):
            return term
    raise RecipeError(
        expected(
            f"Recipe '{recipe.name}'",
            "a term 'max_instance', whose patch scores can be mined",
            f"the terms {sorted(recipe.terms)}",
            todo="Take the recipe 'hnm', or add the term beside a head that scores patches.",
        )
    )
