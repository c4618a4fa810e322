"""GPS against NumPy loops and PyG's GPSConv with the same weights; no padding, no leak, no N x N."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import GINConv, GPSConv
from torch_geometric.nn.attention import PerformerAttention
from torch_geometric.utils import to_dense_batch

from wsigraph.errors import RecipeError
from wsigraph.models.exportable import Exportable
from wsigraph.nn.encoders.gps import GPS
from wsigraph.nn.layers import linear_attention as module
from wsigraph.nn.layers.gps import GPSLayer
from wsigraph.nn.layers.linear_attention import LinearAttention, linear_attention, orthogonal_directions
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_linear_attention_equals_loops():
    q, k, v, directions = (
        random(2, 7, 3),
        random(2, 7, 3, seed=1),
        random(2, 7, 3, seed=2),
        random(5, 3, seed=3),
    )
    wanted = np.zeros((2, 7, 3))
    for head in range(2):
        phi = [np.maximum(directions.numpy() @ row, 0) + 1e-3 for row in k[head].numpy()]
        for i in range(7):
            mine = np.maximum(directions.numpy() @ q[head, i].numpy(), 0) + 1e-3
            weights = np.array([mine @ theirs for theirs in phi])
            wanted[head, i] = (weights / weights.sum()) @ v[head].numpy()
    np.testing.assert_allclose(linear_attention(q, k, v, directions=directions), wanted, rtol=0, atol=1e-12)
    ones = linear_attention(q, k, torch.ones_like(v), directions=directions)
    torch.testing.assert_close(ones, torch.ones_like(v))  # weights sum to 1


def test_blocks_change_neither_answer_nor_gradient(monkeypatch):
    inputs = [random(2, 11, 3, seed=s).requires_grad_() for s in range(3)]
    found, directions = [], random(5, 3, seed=3)
    for block in (100, 4):
        monkeypatch.setattr(module, "BLOCK", block)
        out = linear_attention(*inputs, directions=directions)
        found.append((out, *torch.autograd.grad(out.square().sum(), inputs)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_features_of_a_large_slide_are_not_kept():
    kept = []

    def note(value):
        kept.append(value.numel())
        return value

    q, k, v = (torch.randn(1, 2 * module.BLOCK, 2, requires_grad=True) for _ in range(3))
    with torch.autograd.graph.saved_tensors_hooks(note, lambda value: value):
        linear_attention(q, k, v, directions=torch.randn(64, 2))
    assert max(kept) < module.BLOCK * 64  # one block's features would be as many


def test_directions_are_unit_rows_at_right_angles():
    rows = seeded(lambda: orthogonal_directions(7, 3)).double()
    for start in (0, 3, 6):
        block = rows[start : start + 3]
        torch.testing.assert_close(block @ block.T, torch.eye(len(block)).double(), atol=1e-6, rtol=0)


def theirs_like(ours):
    """PyG's layer with our weights; LayerNorm of each node in place of batch normalisation."""
    network = nn.Sequential(ours.near.network[0], nn.ReLU(), ours.near.network[2])
    theirs = GPSConv(
        8,
        GINConv(network, train_eps=True),
        heads=2,
        norm="layer_norm",
        norm_kwargs={"mode": "node"},
        attn_type="performer",
        attn_kwargs={"head_channels": 4},
    ).double()
    with torch.no_grad():
        theirs.conv.eps.copy_(ours.near.epsilon)
        for name, part in (("q", "query"), ("k", "key"), ("v", "value"), ("attn_out", "out")):
            getattr(theirs.attn, name).load_state_dict(getattr(ours.far, part).state_dict())
        theirs.attn.fast_attn.projection_matrix.copy_(ours.far.directions)
        for name, part in (("norm1", "near_norm"), ("norm2", "far_norm"), ("norm3", "norm")):
            getattr(theirs, name).load_state_dict(getattr(ours, part).state_dict())
        for place in (0, 3):
            theirs.mlp[place].load_state_dict(ours.network[place].state_dict())
    return theirs.eval()


@pytest.fixture
def layer():
    made = seeded(lambda: GPSLayer(8, heads=2, dropout=0.3)).double().eval()
    made.near.epsilon.data.fill_(0.4)
    return made


def test_equals_pyg_with_the_same_weights(layer):
    theirs, one = theirs_like(layer), make_slides(8, sizes=(9,))
    found = []
    for run in (lambda x: layer(x, one.bags), lambda x: theirs(x, one.edge_index)):
        x = one.x.clone().requires_grad_()
        out = run(x)
        out.square().sum().backward()
        found.append((out.detach(), x.grad))
    for ours, other in zip(*found, strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-9, atol=1e-9)


def test_pyg_counts_padding_as_patches_and_this_one_has_none(layer):
    theirs, slides = theirs_like(layer), make_slides(8)
    alone = torch.cat([layer(slides.one(s).x, slides.one(s).bags) for s in range(4)])
    torch.testing.assert_close(layer(slides.x, slides.bags), alone, rtol=0, atol=1e-12)
    padded = theirs(slides.x, slides.edge_index, slides.batch)
    longest = slides.rows(slides.sizes.index(max(slides.sizes)))
    torch.testing.assert_close(padded[longest], alone[longest])
    others = torch.ones(18, dtype=torch.bool)
    others[longest] = False
    assert (padded - alone)[others].abs().max() > 1e-3


def test_padding_is_in_the_performers_sum_of_weights():
    attention = seeded(lambda: PerformerAttention(8, 2, head_channels=4)).double().eval()
    dense, mask = to_dense_batch(random(3, 8), torch.tensor([0, 0, 1]))
    alone = attention(dense[1:, :1].clone(), mask[1:, :1])
    assert not torch.allclose(attention(dense, mask)[1, :1], alone[0])  # the second slide has one patch


def test_in_training_slides_do_not_hear_each_other():
    encoder = seeded(lambda: GPS(6, hidden_channels=8, heads=2, dropout=0.0)).double().train()
    slides = make_slides(6)
    changed = encoder.mix(encoder.stem(slides.with_other(0).x), slides.bags)
    first = slides.sizes[0]
    assert torch.equal(changed[first:], encoder.mix(encoder.stem(slides.x), slides.bags)[first:])


def test_far_patches_are_heard_without_an_edge():
    encoder, one = (
        seeded(lambda: GPS(6, hidden_channels=8, heads=2).double().eval()),
        make_slides(6, sizes=(9,)),
    )
    bare = one.without_edges()
    x = one.x.clone()
    x[8] += 1
    moved = encoder.mix(encoder.stem(x), bare.bags) - encoder.mix(encoder.stem(one.x), bare.bags)
    assert (moved[:8].abs().max(1).values > 1e-9).all()


def test_directions_come_from_the_seed_and_travel_in_the_state():
    one, same = (seeded(lambda: LinearAttention(8, heads=2)) for _ in range(2))
    assert torch.equal(one.directions, same.directions)
    assert "directions" in one.state_dict()


def test_exported_without_loops_alone():
    method = recipe("gps", in_channels=6, classes=["a", "b"])
    model, _ = method.build()
    Exportable(model, self_loops=False)
    with pytest.raises(RecipeError, match="encoder 'gps' reads edges"):
        Exportable(model, self_loops=True)  # the spare node would be attended to


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_layers": 0}, "at least 1 layer, got 0"),
        ({"heads": 3}, "heads that divide its 256 channels, got 3"),
    ],
)
def test_impossible_encoders_are_refused(options, sentence):
    with pytest.raises(RecipeError, match=sentence):
        GPS(6, **options)
