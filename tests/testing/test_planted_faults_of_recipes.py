"""The kit catches recipes that are spoilt in one way each."""

from __future__ import annotations

import pytest
import torch

from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.aggregators.mean import Mean
from wsigraph.testing import check_recipe
from wsigraph.training.recipe import RECIPES, recipe


class LeaksBetweenSlides(Mean, name="leaks_between_slides"):
    def forward(self, x, bags):
        pooled = super().forward(x, bags).embedding
        return Aggregated(pooled - pooled.mean(0))


class FirstPatch(Mean, name="first_patch"):
    def forward(self, x, bags):
        return Aggregated(torch.stack([rows[0] for rows in bags.split(x)]))


class HasAnIdleWeight(Mean, name="has_an_idle_weight"):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.idle = torch.nn.Parameter(torch.zeros(1))


class AsksTheNumbers(Mean, name="asks_the_numbers"):
    def forward(self, x, bags):
        return super().forward(x if float(x.detach().sum()) > -1e30 else -x, bags)


class ReadsEdgesUnsaid(Mean, name="reads_edges_unsaid"):
    def forward(self, x, bags):
        edges = bags.edges.edge_index
        return super().forward(x.index_add(0, edges[1], x[edges[0]]), bags)


@pytest.fixture
def spoilt(monkeypatch):
    """A recipe with one of these pools; all names are gone afterwards."""
    for registry in (RECIPES, Aggregator.registry):
        registry.names()
        monkeypatch.setattr(registry, "_parts", dict(registry._parts))

    def make(pool):
        def method(*, in_channels, classes):
            plain = recipe("abmil", in_channels=in_channels, classes=classes).to_dict()
            bag = {"name": "bag", "aggregator": {"name": pool}, "hidden_channels": 0}
            return type(recipe("abmil", in_channels=in_channels, classes=classes)).from_dict(
                {
                    **plain,
                    "name": "spoilt",
                    "encoder": {"name": "mlp", "hidden_channels": 8},
                    "heads": {"bag": bag},
                }
            )

        RECIPES.add("spoilt", method)

    return make


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("pool", "sentence"),
    [
        ("leaks_between_slides", "one by one"),
        ("first_patch", "whatever the order of the patches"),
        ("has_an_idle_weight", "reaches every weight"),
        ("asks_the_numbers", "torch.export can trace"),
        ("reads_edges_unsaid", "uses_edges = True"),
    ],
)
def test_recipe_faults(pool, sentence, spoilt):
    spoilt(pool)
    with pytest.raises(AssertionError, match=sentence) as caught:
        check_recipe("spoilt")
    assert str(caught.value).startswith("Recipe 'spoilt'")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_sound_recipe_passes(spoilt):
    spoilt("mean")
    check_recipe("spoilt")
