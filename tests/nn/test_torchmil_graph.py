"""Graph methods beside torchmil's, with the same weights: where they are one, and where they are not."""

from __future__ import annotations

import pytest
import torch

from wsigraph.nn.aggregators.smooth_attention import SmoothAttention
from wsigraph.nn.layers.neighbour_attention import NeighbourAttention
from wsigraph.nn.layers.smooth import Neighbourhood, smooth
from wsigraph.testing.slides import make_slides

pytest.importorskip("torchmil")

from torchmil.models.camil import CAMILSelfAttention
from torchmil.nn import SmAttentionPool
from torchmil.nn.sm import Sm


@pytest.fixture
def one():
    return make_slides(6, sizes=(9,))


@pytest.fixture
def near(one):
    return Neighbourhood.of(one.adjacency, like=one.x)


@pytest.fixture
def matrix(near):
    return near(torch.eye(9, dtype=torch.float64))[None]


def test_smooth_operator_at_the_learned_start(one, near, matrix):
    theirs = Sm(alpha="trainable", num_steps=6)(one.x[None], matrix)[0]
    torch.testing.assert_close(smooth(one.x, near, alpha=0.5, steps=6), theirs, rtol=1e-10, atol=1e-10)


def test_smooth_operator_elsewhere(one, near, matrix):
    """Their approximate form has alpha and 1 - alpha swapped, against their own exact one and the paper.

    Of two ``Sm(alpha=0.8)`` the exact one solves (I + gamma L) g = u with gamma = alpha / (1 - alpha), which
    ours approaches. With the learned alpha, which starts at 1/2, the swap only renames the number.
    """
    exact = Sm(alpha=0.8, mode="exact")
    torch.set_default_dtype(torch.float64)  # they make an identity of the default type
    try:
        wanted = exact(one.x[None], matrix)[0]
    finally:
        torch.set_default_dtype(torch.float32)
    theirs = Sm(alpha=0.8, num_steps=200)(one.x[None], matrix)[0]
    torch.testing.assert_close(smooth(one.x, near, alpha=0.8, steps=200), wanted, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(smooth(one.x, near, alpha=0.2, steps=200), theirs, rtol=1e-8, atol=1e-8)
    assert (theirs - wanted).abs().max() > 0.1


@pytest.mark.parametrize("where", ["early", "mid", "late"])
def test_smooth_attention(one, matrix, where):
    ours = SmoothAttention(6, hidden_channels=5, where=where).double()
    theirs = SmAttentionPool(6, att_dim=5, act="tanh", sm_where=where).double()
    theirs.proj1.load_state_dict(ours.value.state_dict())
    theirs.proj2.load_state_dict(ours.score.state_dict())
    z, f = theirs(one.x[None], matrix, return_att=True)
    out = ours(one.x, one.bags)
    torch.testing.assert_close(out.embedding, z, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(out.attention_logits[:, 0], f[0], rtol=1e-10, atol=1e-10)


def test_attention_to_neighbours(one):
    """CAMIL's, whose similarity of neighbours torchmil takes as given: here ours."""
    ours = NeighbourAttention(6, attention_channels=5).double()
    theirs = CAMILSelfAttention(6, att_dim=5).double()
    theirs.qk_nn.weight.data = torch.cat([ours.query.weight, ours.key.weight])
    theirs.v_nn.load_state_dict(ours.value.state_dict())
    alike = torch.zeros(9, 9, dtype=torch.float64)
    for u, v in one.adjacency.edge_index.T:
        alike[v, u] = torch.exp(torch.cosine_similarity(one.x[u], one.x[v], dim=0) - 1)
    wanted = theirs(one.x[None], alike[None])[0]
    torch.testing.assert_close(ours(one.x, one.x, one.bags), wanted, rtol=1e-10, atol=1e-10)
