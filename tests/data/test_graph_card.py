"""The card tells numbers and warnings of any graph, built here or elsewhere."""

from __future__ import annotations

import math

import pytest
import torch

from wsigraph.data.graph_card import describe
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError


def path_of(num, *, isolated=0, mpp=0.5):
    """A path of ``num`` nodes 100 px apart, and some nodes far away without edges."""
    total = num + isolated
    pos = torch.stack([torch.arange(total) * 100.0, torch.zeros(total)], dim=1)
    line = torch.arange(num - 1)
    edge_index = torch.cat([torch.stack([line, line + 1]), torch.stack([line + 1, line])], dim=1)
    facts = {"step": 100.0, "step_confidence": 1.0}
    return SpatialGraph(torch.ones(total, 2), edge_index, pos=pos, mpp=mpp, slide_id="p", **facts)


def test_numbers_of_a_path():
    card = describe(path_of(5))
    assert (card.num_nodes, card.num_edges, card.max_degree, card.isolated, card.components) == (
        5,
        8,
        2,
        0,
        1,
    )
    assert card.mean_degree == pytest.approx(8 / 5)
    assert card.longest_edge == 100.0
    assert card.warnings == ()


@pytest.mark.parametrize(("isolated", "warned"), [(5, False), (6, True)])
def test_the_stated_share_of_isolated_patches(isolated, warned):
    card = describe(path_of(100 - isolated, isolated=isolated))
    assert card.isolated == isolated
    assert card.components == isolated + 1
    assert any("isolated" in text for text in card.warnings) == warned


def test_a_graph_made_elsewhere_has_a_card_too():
    graph = SpatialGraph(torch.ones(3, 1), pos=torch.zeros(3, 2), slide_id="x")
    card = graph.card()
    assert (card.num_edges, card.components, card.duplicates, card.builder) == (0, 3, 2, "")
    assert math.isnan(card.step)
    assert "no edges among 3 patches" in card.warnings[0]


def test_keys_that_others_rely_on():
    numbers = {"num_nodes", "num_edges", "mean_degree", "max_degree", "isolated", "components"}
    origin = {"slide_id", "builder", "step", "step_confidence", "mpp", "longest_edge", "duplicates"}
    assert set(describe(path_of(3)).to_dict()) == numbers | origin | {"notes", "warnings"}


def test_lengths_that_disagree_are_refused():
    with pytest.raises(GraphError, match=r"pos of shape \[3, 2\] \(3 rows of x\), got \[2, 2\]"):
        SpatialGraph(torch.ones(3, 1), pos=torch.zeros(2, 2), slide_id="x")
    with pytest.raises(GraphError, match="edges among 2 nodes, got index 2"):
        SpatialGraph(torch.ones(2, 1), torch.tensor([[0, 2], [2, 0]]), pos=torch.zeros(2, 2))
