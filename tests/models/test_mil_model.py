"""Whole models: slides in batches, of one patch, without edges; nothing leaks; weights come from the seed."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, RecipeError, UnknownPartError
from wsigraph.models.mil_model import MILModel
from wsigraph.nn.encoders.mlp import MLP
from wsigraph.nn.heads.bag import BagHead
from wsigraph.nn.views.clean import Clean
from wsigraph.testing.slides import make_slides
from wsigraph.training.catalog import catalog, citation, entry
from wsigraph.training.recipe import recipe, recipe_names

NAMES = ("srmil", "srmil_code", "abmil")


def graphs(slides, *, sort=True):
    made = []
    for s in range(slides.num_graphs):
        one = slides.one(s)
        n, edges = len(one.x), one.adjacency.edge_index if sort else one.edge_index
        if sort:
            edges = EdgeIndex(edges, sparse_size=(n, n), sort_order="col")
        made.append(SpatialGraph(one.x, edges, pos=torch.zeros(n, 2), slide_id=f"s{s}"))
    return made


def network(name, *, classes=7, channels=6):
    model, _ = recipe(name, in_channels=channels, classes=[f"c{i}" for i in range(classes)]).build()
    return model.double().eval()


@pytest.mark.parametrize("sort", [True, False], ids=["EdgeIndex", "plain edges"])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_slides_equals_its_slides_one_by_one(name, sort):
    model, slides = network(name), make_slides(6)
    some = graphs(slides, sort=sort)
    together = model(Batch.from_data_list(some))
    assert together.logits.shape == (4, 7)
    for s, graph in enumerate(some):
        alone = model(graph)
        torch.testing.assert_close(alone.logits[0], together.logits[s], rtol=0, atol=1e-10)
        torch.testing.assert_close(alone.attention, together.attention[slides.rows(s)], rtol=0, atol=1e-10)
        ones = torch.ones(alone.attention.shape[1], dtype=torch.float64)
        torch.testing.assert_close(alone.attention.sum(0), ones)


def test_srmil_reads_edges_and_abmil_does_not():
    slides = make_slides(6, sizes=(12,))
    for name, reads in (("srmil", True), ("abmil", False)):
        model = network(name)
        with_edges, without = (model(graphs(s)[0]).logits for s in (slides, slides.without_edges()))
        assert bool((with_edges != without).any()) == reads


def test_features_of_another_width_are_refused_by_name():
    slides = make_slides(5, sizes=(3,))
    with pytest.raises(GraphError, match=r"MILModel, slide 's0': expected x of shape \[N, 6\], got \[3, 5\]"):
        network("srmil")(graphs(slides)[0])


def test_views_stand_after_their_base():
    class Above(Clean):
        base = "masked"

    encoder = MLP(6, hidden_channels=8)
    head = BagHead(8, 2, aggregator={"name": "mean"})
    with pytest.raises(RecipeError, match="View 'above': expected a base among the views before it"):
        MILModel(encoder, views={"clean": Clean(6), "above": Above(6)}, heads={"bag": head})


def test_the_prediction_view_must_exist():
    with pytest.raises(RecipeError, match=r"predict_view: expected one of \['clean'\], got 'masked'"):
        MILModel(MLP(6), views={"clean": Clean(6)}, heads={}, predict_view="masked")


def test_a_view_shares_the_mask_of_its_base():
    class OverMasked(Clean):
        base = "masked"

    model = network("srmil")
    model.views["over"] = OverMasked(6)
    data = Batch.from_data_list(graphs(make_slides(6)))
    seen = model.look(data, {"over": ("bag",), "masked": ("bag",)})
    assert torch.equal(seen["over"].mask, seen["masked"].mask)
    assert torch.equal(seen["over"].logits, seen["masked"].logits)


def test_half_precision_features_from_files():
    model = network("srmil").float()
    slides = make_slides(6, sizes=(4,))
    graph = graphs(slides)[0]
    graph.x = graph.x.half()
    assert model(graph).logits.dtype == torch.float32


def test_every_recipe_is_in_the_catalog_and_can_be_cited():
    assert set(catalog()) == set(recipe_names())
    for name in recipe_names():
        assert entry(name).name == name
        assert entry(name).kind in ("set", "graph")
        text = citation(name)
        assert text.startswith("@")
        assert all(word in text for word in ("title", "author", "year"))
        assert text.count("{") == text.count("}")
    with pytest.raises(UnknownPartError, match=r"Catalog: expected one of \['abmil'"):
        citation("nothing")


def test_the_catalog_says_which_recipes_read_edges():
    for name in recipe_names():
        model, _ = recipe(name, in_channels=6, classes=["a", "b"]).build()
        reads = any(part.uses_edges for part in (model.encoder, *model.heads.values()))
        assert (entry(name).kind == "graph") == reads, name


def test_srmil_has_the_published_sizes():
    model, objectives = recipe("srmil", in_channels=1024, classes=["a", "b"]).build()
    encoder = model.encoder
    assert isinstance(encoder.linear, nn.Linear)
    assert (encoder.linear.in_features, encoder.linear.out_features) == (1024, 256)
    assert [(layer.heads, layer.head_channels, layer.residual) for layer in encoder.layers] == [
        (4, 64, "identity"),
        (4, 64, "identity"),
    ]
    assert {(layer.feature_dropout, layer.attention_dropout) for layer in encoder.layers} == {(0.11, 0.15)}
    assert model.heads["bag"].aggregator.value.out_features == 128
    assert model.views["masked"].rate == 0.7
    decoder = objectives.terms["reconstruction"]
    assert decoder.bridge.weight.shape == (256, 256)
    assert decoder.last.project.weight.shape == (1024, 256)
