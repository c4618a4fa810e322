"""GCN, GIN, SAGE, GATv2 and GEN equal PyG's layers with the same weights; encoders read supernodes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, GCNConv, GENConv, GINConv, SAGEConv

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.layers.gatv2 import GATv2Layer
from wsigraph.nn.layers.gcn import GCNLayer
from wsigraph.nn.layers.gen import GENLayer
from wsigraph.nn.layers.gin import GINLayer
from wsigraph.nn.layers.make import layer_names, make_layer
from wsigraph.nn.layers.sage import SAGELayer
from wsigraph.nn.views.base import Nodes, Seen
from wsigraph.nn.views.masked import Masked
from wsigraph.nn.views.supernode import Supernode
from wsigraph.testing.slides import make_slides


def gcn(c, o):
    return GCNConv(c, o, add_self_loops=False), {"project.weight": "lin.weight", "bias": "bias"}


def gin(c, o):
    network = nn.Sequential(nn.Linear(c, o), nn.ReLU(), nn.Linear(o, o))
    names = {f"network.{i}.{p}": f"nn.{i}.{p}" for i in (0, 2) for p in ("weight", "bias")}
    return GINConv(network, train_eps=True), {"epsilon": "eps", **names}


def sage(c, o):
    names = {
        "own.weight": "lin_r.weight",
        "neighbours.weight": "lin_l.weight",
        "neighbours.bias": "lin_l.bias",
    }
    return SAGEConv(c, o), names


def gatv2(c, o):
    names = {
        f"{a}.{p}": f"{b}.{p}"
        for a, b in (("source", "lin_l"), ("target", "lin_r"))
        for p in ("weight", "bias")
    }
    return GATv2Conv(c, o // 2, heads=2, add_self_loops=False), {"attend": "att", "bias": "bias", **names}


def gen(c, o):
    theirs = GENConv(c, o, learn_t=True, norm="layer", bias=True)
    theirs.lin_src, theirs.lin_dst = nn.Linear(c, o, bias=False), nn.Linear(c, o, bias=False)
    names = {
        "message.weight": "lin_src.weight",
        "own.weight": "lin_dst.weight",
        "temperature": "aggr_module.t",
    }
    places = ((0, 0), (1, 1), (3, 4))  # dropout stands between
    names |= {f"network.{a}.{p}": f"mlp.{b}.{p}" for a, b in places for p in ("weight", "bias")}
    return theirs, names


PAIRS = {
    "gen": (GENLayer, gen),
    "gcn": (GCNLayer, gcn),
    "gin": (GINLayer, gin),
    "sage": (SAGELayer, sage),
    "gatv2": (GATv2Layer, gatv2),
}


@pytest.fixture(params=[(name, o) for name in PAIRS for o in (4, 10)], ids=lambda p: f"{p[0]}-{p[1]}")
def pair(request):
    """Ours and theirs with the same weights, narrower and wider than the input, and the weights' names."""
    name, out = request.param
    kind, make = PAIRS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs, names = make(6, out)
        ours = kind(6, out, plain=True, **({"heads": 2} if name == "gatv2" else {}))
        given = dict(theirs.named_parameters())
        with torch.no_grad():
            for theirs_name in names.values():
                if given[theirs_name].ndim == 1:
                    given[theirs_name].normal_()
            for name_, value in ours.named_parameters():
                value.copy_(given[names[name_]])
    return ours, theirs, names


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("loops", [True, False], ids=["loops", "no loops"])
def test_equals_pyg(pair, dtype, loops):
    ours, theirs, names = pair[0].to(dtype), pair[1].to(dtype), pair[2]
    slides = make_slides(6)
    edges = slides.edge_index
    edges = edges if loops else edges[:, edges[0] != edges[1]]
    edges = torch.cat([edges, torch.tensor([[3], [14]])], 1)  # one way only
    found = []
    for layer, structure in ((ours, Adjacency.of(edges, len(slides.x))), (theirs, edges)):
        x = slides.x.to(dtype).requires_grad_()
        out = layer(x, structure)
        out.square().sum().backward()
        found.append((out.detach(), x.grad))
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    given = dict(theirs.named_parameters())
    for name, value in ours.named_parameters():
        torch.testing.assert_close(
            value.grad, given[names[name]].grad, rtol=10 * tolerance, atol=10 * tolerance
        )


GRAPH_ENCODERS = ["gcn", "gin", "sage", "gatv2", "pna"]


def small(name, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Encoder.registry.get(name)(6, hidden_channels=8, **options).double().eval()


@pytest.mark.parametrize("name", GRAPH_ENCODERS)
@pytest.mark.parametrize("stem", ["linear", "reformer"])
def test_supernodes_are_one_more_node_per_slide(name, stem):
    encoder, slides = small(name, stem=stem), make_slides(6)
    nodes = Nodes(encoder.start()(slides.x), slides.adjacency, slides.batch, slides.num_graphs)
    mask = torch.arange(len(slides.x)) % 3 == 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        views = (Supernode(6).double(), Masked(6).double())
    seen = Seen(nodes.h, nodes.adjacency)
    for view in views:
        seen = view(nodes, encoder.start(), seen, mask if view.draws_mask else None)
    whole = encoder.propagate(seen.h, seen.adjacency)
    for asked in (True, False):
        found = encoder.embed(seen, nodes=asked)
        torch.testing.assert_close(found.supernodes, whole[18:], rtol=0, atol=1e-12)
        assert (found.nodes is None) != asked
        assert (found.attention is not None) == encoder.gives_attention
    if encoder.gives_attention:
        sums = torch.stack([found.attention[slides.rows(s)].sum(0) for s in range(4)])
        torch.testing.assert_close(sums, torch.ones_like(sums))


@pytest.mark.parametrize("name", GRAPH_ENCODERS)
def test_dropout_only_in_training(name):
    encoder, slides = small(name), make_slides(6)
    assert torch.equal(encoder(slides.x, slides.adjacency), encoder(slides.x, slides.adjacency))
    encoder.train()
    assert not torch.equal(encoder(slides.x, slides.adjacency), encoder(slides.x, slides.adjacency))


@pytest.mark.parametrize("name", PAIRS)
def test_residual_norm_and_slope_stand_as_in_gat(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind = PAIRS[name][0]
        layer = kind(8, 8, residual="identity").double().eval()
    slides = make_slides(8)
    summed = layer.exchange(slides.x, slides.adjacency) + slides.x
    spread = (summed.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    normed = (summed - summed.mean(1, keepdim=True)) / spread
    by_hand = torch.where(normed > 0, normed, 0.25 * normed)
    torch.testing.assert_close(layer(slides.x, slides.adjacency), by_hand)
    assert kind(6, 8, residual="identity").shortcut.bias is None  # a linear map between unequal widths


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("gcn", {"stem": "square"}, "Encoder 'gcn': expected a stem 'linear' or 'reformer', got 'square'"),
        ("gin", {"num_layers": 0}, "Encoder 'gin': expected at least 1 layer, got 0"),
        ("gatv2", {"heads": 3}, "Layer 'gatv2': expected out_channels divisible by 3 heads, got 8"),
    ],
)
def test_impossible_encoders_are_refused(name, options, sentence):
    with pytest.raises(RecipeError, match=sentence):
        small(name, **options)


def test_layers_by_name():
    assert layer_names() == ["gat", "gatv2", "gcn", "gen", "gin", "mlp", "pna", "sage"]
    with pytest.raises(UnknownPartError, match=r"Layer: expected one of \['gat', .*got 'gnc'"):
        make_layer("gnc", 4, 4, heads=1, feature_dropout=0.0, attention_dropout=0.0)
