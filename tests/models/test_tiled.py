"""In tiles or whole, a model says the same; tiles hold less at once."""

from __future__ import annotations

from inspect import signature

import pytest
import torch
from torch import nn

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import look_in_tiles
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.encoders.gat import GAT
from wsigraph.nn.heads.bag import BagHead
from wsigraph.nn.heads.supernode import SupernodeHead
from wsigraph.nn.layers.hub_sum import HubSum
from wsigraph.nn.layers.into_supernodes import into_supernodes
from wsigraph.nn.row_map import RowMap
from wsigraph.nn.views.clean import Clean
from wsigraph.nn.views.masked import Masked
from wsigraph.nn.views.supernode import Supernode
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe, recipe_names

SIZE = 120


@pytest.fixture(scope="module")
def slide():
    made = make_slides(6, sizes=(SIZE,))
    pos = torch.cartesian_prod(torch.arange(12.0), torch.arange(10.0)) * 256
    x = made.x * torch.linspace(0.5, 40, SIZE).unsqueeze(1)  # logits of the attention far apart
    return SpatialGraph(x, made.adjacency.edge_index, pos=pos, slide_id="s")


def moved(model):
    """Weights away from their start, so that supernode tokens and biases tell."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.double().eval()


def assert_same(whole, tiled):
    assert whole.heads.keys() == tiled.heads.keys()
    for name, head in whole.heads.items():
        torch.testing.assert_close(tiled.heads[name].logits, head.logits, rtol=1e-12, atol=1e-10)
        torch.testing.assert_close(tiled.heads[name].embedding, head.embedding, rtol=1e-12, atol=1e-10)
        assert (head.attention is None) == (tiled.heads[name].attention is None)
        if head.attention is not None:
            torch.testing.assert_close(tiled.heads[name].attention, head.attention, rtol=0, atol=1e-10)
    assert (whole.node_embedding is None) == (tiled.node_embedding is None)
    if whole.node_embedding is not None:
        torch.testing.assert_close(tiled.nodes, whole.nodes, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("max_nodes", [1, 13, 60, 119, 120])
@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_equal(name, max_nodes, slide):
    model = moved(recipe(name, in_channels=6, classes=["a", "b", "c"]).build()[0])
    with torch.no_grad():
        assert_same(model(slide), look_in_tiles(model, slide, max_nodes=max_nodes))


@pytest.mark.parametrize("view", [Clean, Supernode])
@pytest.mark.parametrize("name", [n for n in Encoder.registry.names() if not Encoder.registry.get(n).mixes])
def test_every_encoder_is_equal(name, view, slide):
    """Those in which a patch hears its whole slide take no supernodes and are never cut."""
    kind = Encoder.registry.get(name)
    narrow = {"hidden_channels": 8} if "hidden_channels" in signature(kind).parameters else {}
    encoder = kind(6, **narrow)
    width = encoder.out_channels
    chosen = {"nodes": pooled(width)} | (
        {"super": SupernodeHead(width, 2, heads=2)} if view is Supernode else {}
    )
    model = moved(MILModel(encoder, views={"clean": view(6)}, heads=chosen))
    with torch.no_grad():
        assert_same(model(slide), look_in_tiles(model, slide, max_nodes=17))


def pooled(channels):
    return BagHead(channels, 2, aggregator={"name": "gated_attention"})


class OneRound(GAT, name=None):
    """A GAT that says only how far it looks, as a third party's encoder might."""

    gives_attention = False
    rounds, start, embed = Encoder.rounds, Encoder.start, Encoder.embed


@pytest.mark.parametrize("kind", [GAT, OneRound], ids=["round by round", "one halo of all hops"])
@pytest.mark.parametrize("stem", ["linear", "reformer"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("heads", ["nodes", "supernodes", "both"])
def test_any_depth_with_and_without_supernode(kind, stem, layers, heads, slide):
    encoder = kind(6, hidden_channels=8, heads=2, num_layers=layers, stem=stem)
    chosen = {"nodes": pooled(8), "super": SupernodeHead(8, 2, heads=2)}
    if heads != "both":
        chosen = {key: chosen[key] for key in chosen if heads.startswith(key)}
    views = {"clean": Clean(6) if heads == "nodes" else Supernode(6)}
    model = moved(MILModel(encoder, views=views, heads=chosen))
    with torch.no_grad():
        assert_same(model(slide), look_in_tiles(model, slide, max_nodes=17))


def test_a_prediction_view_that_masks(slide):
    views = {"all": Supernode(6), "masked": Masked(6, rate=0.5, base="all")}
    encoder = GAT(6, hidden_channels=8, heads=2, stem="reformer", residuals=["linear", "none"])
    model = moved(
        MILModel(encoder, views=views, heads={"s": SupernodeHead(8, 2, heads=2)}, predict_view="masked")
    )
    outputs = []
    for look in (model, lambda graph: look_in_tiles(model, graph, max_nodes=11)):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(8)
            outputs.append(look(slide))
    assert torch.equal(outputs[0].mask, outputs[1].mask)
    assert_same(*outputs)


def test_without_edges_without_coordinates_and_with_features_in_half(slide):
    model = recipe("srmil", in_channels=6, classes=["a", "b"]).build()[0].eval()
    for graph in (
        SpatialGraph(slide.x.half(), slide.edge_index, pos=slide.pos),
        SpatialGraph(slide.x.half(), None, pos=slide.pos),
    ):
        graph.pos = slide.pos if graph.edge_index is not None else None
        with torch.no_grad():
            whole, tiled = model(graph), look_in_tiles(model, graph, max_nodes=25)
        torch.testing.assert_close(tiled.logits, whole.logits, rtol=0, atol=1e-5)
        torch.testing.assert_close(tiled.nodes, whole.nodes, rtol=0, atol=1e-5)


class Unknown(OneRound, name=None):
    """An encoder that does not say how far it looks."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.num_hops = None


def test_an_encoder_that_does_not_say_how_far_it_looks_runs_whole(slide):
    model = moved(MILModel(Unknown(6, hidden_channels=8), views={"clean": Clean(6)}, heads={"h": pooled(8)}))
    with torch.no_grad():
        assert torch.equal(look_in_tiles(model, slide, max_nodes=7).logits, model(slide).logits)


@pytest.mark.parametrize("name", ["srmil", "srmil_code"])
def test_a_tile_never_sees_more_than_itself_and_its_neighbours(name, monkeypatch):
    """No linear map meets more rows at once than tile and halo: so much for the working memory."""
    pos = torch.cartesian_prod(torch.arange(30.0), torch.arange(30.0))
    near = torch.cdist(pos, pos, p=torch.inf) <= 1
    graph = SpatialGraph(torch.randn(900, 6), near.nonzero().T.contiguous(), pos=pos)
    model = recipe(name, in_channels=6, classes=["a", "b"]).build()[0].eval()
    seen = []
    for module in model.encoder.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda m, given, out: seen.append(len(given[0])))
    folded = RowMap.__call__
    monkeypatch.setattr(RowMap, "__call__", lambda one, x: seen.append(len(x)) or folded(one, x))
    with torch.no_grad():
        look_in_tiles(model, graph, max_nodes=100)
    assert seen
    assert max(seen) <= (8 + 2) * (8 + 2)  # 900 patches in 16 tiles


def test_attention_that_cannot_be_gathered_is_not_lost(slide):
    class Whole(OneRound, name=None):
        gives_attention = True
        embed = GAT.embed

    encoder = Whole(6, hidden_channels=8, heads=2)
    model = moved(MILModel(encoder, views={"clean": Supernode(6)}, heads={"s": SupernodeHead(8, 2, heads=2)}))
    with torch.no_grad():
        assert_same(model(slide), look_in_tiles(model, slide, max_nodes=17))


def test_a_batch_of_slides_or_no_node_at_all_is_refused(slide):
    from torch_geometric.data import Batch

    model = recipe("srmil", in_channels=6, classes=["a", "b"]).build()[0].double().eval()
    with pytest.raises(GraphError, match="expected one slide and at least one node in a tile, got 2 slides"):
        look_in_tiles(model, Batch.from_data_list([slide, slide]), max_nodes=5)
    with pytest.raises(GraphError, match="0 nodes"):
        look_in_tiles(model, slide, max_nodes=0)


def test_hub_sums_do_not_overflow_and_do_not_mind_the_order_of_tiles(slide):
    layer = GAT(6, hidden_channels=8, heads=2).double().layers[0]
    x = torch.cat([torch.randn(SIZE, 8, dtype=torch.float64) * 300, torch.ones(1, 8, dtype=torch.float64)])
    adjacency = make_slides(6, sizes=(SIZE,)).adjacency.with_hubs(torch.zeros(SIZE, dtype=torch.long), 1)
    want = into_supernodes(layer.eval(), x, adjacency, num_nodes=SIZE)
    for order in (range(0, SIZE, 9), reversed(range(0, SIZE, 9))):
        hub = HubSum(layer, x[SIZE:], SIZE)
        for begin in order:
            nodes = torch.arange(begin, min(begin + 9, SIZE))
            hub.add(nodes, x[nodes])
        for got, wanted in zip(hub.result(), want, strict=True):
            torch.testing.assert_close(got, wanted, rtol=0, atol=1e-10)
