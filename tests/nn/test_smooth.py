"""The smooth operator against a dense solve and loops; smooth attention in all three places against NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError
from wsigraph.nn.aggregators.attention import Attention
from wsigraph.nn.aggregators.smooth_attention import SmoothAttention
from wsigraph.nn.layers.smooth import Neighbourhood, smooth
from wsigraph.testing.slides import make_slides


def dense(one):
    """I - L of one slide by its definition, ``[target, source]``."""
    n, edges = len(one.x), one.edge_index.T.tolist()
    degree = [sum(v == i for _, v in edges) for i in range(n)]
    near = np.zeros((n, n))
    for u, v in edges:
        near[v, u] = 1 / np.sqrt(degree[u] * degree[v]) if degree[u] else 0.0
    return near + np.diag([float(d == 0) for d in degree])


def without_loops(slides):
    loops = slides.edge_index[0] == slides.edge_index[1]
    return replace(slides, edge_index=slides.edge_index[:, ~loops])


@pytest.fixture(params=[True, False], ids=["loops", "no loops"])
def slides(request):
    made = make_slides(6)
    return made if request.param else without_loops(made)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.9])
def test_many_steps_approach_the_dense_solve(slides, alpha):
    near = Neighbourhood.of(slides.adjacency, like=slides.x)
    out = smooth(slides.x, near, alpha=alpha, steps=400)
    gamma = alpha / (1 - alpha)
    for slide in range(slides.num_graphs):
        one = slides.one(slide)
        laplacian = np.eye(len(one.x)) - dense(one)
        wanted = np.linalg.solve(np.eye(len(one.x)) + gamma * laplacian, one.x.numpy())
        np.testing.assert_allclose(out[slides.rows(slide)], wanted, atol=1e-12)


def test_few_steps_equal_loops_and_their_error_shrinks_by_alpha(slides):
    near, alpha = Neighbourhood.of(slides.adjacency, like=slides.x), 0.6
    end = smooth(slides.x, near, alpha=alpha, steps=300)
    gap = float((end - slides.x).norm())
    for steps in (1, 2, 7):
        out = smooth(slides.x, near, alpha=alpha, steps=steps)
        for slide in range(slides.num_graphs):
            one = slides.one(slide)
            g = u = one.x.numpy()
            for _ in range(steps):
                g = (1 - alpha) * u + alpha * dense(one) @ g
            np.testing.assert_allclose(out[slides.rows(slide)], g, atol=1e-12)
        assert float((out - end).norm()) <= alpha**steps * gap + 1e-12


def test_neighbours_come_nearer(slides):
    """The Dirichlet energy, which the operator is made to lower."""
    near = Neighbourhood.of(slides.adjacency, like=slides.x)

    def energy(u):
        return float((u * (u - near(u))).sum())

    before = energy(slides.x)
    assert energy(smooth(slides.x, near, alpha=0.2)) < before
    assert energy(smooth(slides.x, near, alpha=0.8)) < energy(smooth(slides.x, near, alpha=0.2))


def test_a_node_without_neighbours_keeps_its_row():
    x = torch.randn(4, 3, dtype=torch.float64)
    near = Neighbourhood.of(Adjacency(torch.empty(2, 0, dtype=torch.long), 4), like=x)
    torch.testing.assert_close(smooth(x, near, alpha=0.7), x, rtol=0, atol=1e-15)


def test_transpose_of_directed_edges():
    slides = make_slides(6)
    adjacency = Adjacency.of(slides.edge_index[:, ::2], len(slides.x))
    near, eye = Neighbourhood.of(adjacency, like=slides.x), torch.eye(len(slides.x), dtype=torch.float64)
    assert not torch.equal(near(eye), near(eye).T)
    assert torch.equal(near.transposed(eye), near(eye).T)


def by_hand(pool, one):
    """The pool as its paper has it: early smooths the rows themselves."""
    alpha, near = pool.alpha.item(), dense(one)

    def smoothed(u):
        g = u
        for _ in range(pool.steps):
            g = (1 - alpha) * u + alpha * near @ g
        return g

    w, b = pool.value.weight.detach().numpy(), pool.value.bias.detach().numpy()
    x = smoothed(one.x.numpy()) if pool.where == "early" else one.x.numpy()
    hidden = x @ w.T + b
    hidden = smoothed(hidden) if pool.where == "mid" else hidden
    scores = np.tanh(hidden) @ pool.score.weight.detach().numpy()[0]
    scores = smoothed(scores) if pool.where == "late" else scores
    attention = np.exp(scores) / np.exp(scores).sum()
    return scores, attention, attention @ x


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("where", ["early", "mid", "late"])
def test_pool_equals_loops(slides, where, directed):
    slides = replace(slides, edge_index=slides.edge_index[:, ::2]) if directed else slides
    pool = SmoothAttention(6, hidden_channels=5, where=where, alpha=0.7, steps=4).double()
    out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        scores, attention, z = by_hand(pool, slides.one(slide))
        rows = slides.rows(slide)
        np.testing.assert_allclose(out.attention_logits[rows, 0].detach(), scores, atol=1e-10)
        np.testing.assert_allclose(out.attention[rows, 0].detach(), attention, atol=1e-10)
        np.testing.assert_allclose(out.embedding[slide].detach(), z, atol=1e-10)


@pytest.mark.parametrize("where", ["early", "mid", "late"])
def test_without_edges_it_is_attention_pooling(where):
    slides = make_slides(6).without_edges()
    pool, plain = (
        SmoothAttention(6, hidden_channels=5, where=where).double(),
        Attention(6, hidden_channels=5).double(),
    )
    plain.load_state_dict(pool.state_dict(), strict=False)
    torch.nn.init.zeros_(plain.score.bias)
    one, other = pool(slides.x, slides.bags), plain(slides.x, slides.bags)
    torch.testing.assert_close(one.embedding, other.embedding, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(one.attention, other.attention, rtol=1e-12, atol=1e-12)


def test_early_smooths_the_thin_side(largest):
    """Nothing as wide as the input is written but the input's gradient and the weighed rows."""
    slides = make_slides(512, sizes=(400,))
    pool = SmoothAttention(512, hidden_channels=16)
    x = slides.x.float().requires_grad_()
    with largest:
        pool(x, slides.bags).embedding.square().sum().backward()
    assert largest.nbytes <= 4 * 400 * 512


@pytest.mark.parametrize("wrong", [{"where": "before"}, {"alpha": 1.0}, {"alpha": 0.0}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(RecipeError, match=r"where among .* and alpha between 0 and 1, got"):
        SmoothAttention(6, **wrong)


def test_alpha_starts_as_asked_and_learns():
    slides = make_slides(6)
    pool = SmoothAttention(6, alpha=0.3).double()
    assert pool.alpha.item() == pytest.approx(0.3)
    pool(slides.x, slides.bags).embedding.square().sum().backward()
    assert pool.level.grad.abs() > 1e-9
