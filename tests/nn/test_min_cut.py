"""Soft clusters of a graph against dense NumPy and PyG, at their optimum, and in linear memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_geometric.nn.dense import dense_mincut_pool

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags
from wsigraph.errors import GraphError
from wsigraph.nn.layers.min_cut import min_cut
from wsigraph.testing.slides import make_slides


def shares(n, k, *, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=generator, dtype=torch.float64).softmax(1)


def dense(slides, slide):
    """Adjacency of one slide without loops, [source, target]."""
    one = slides.one(slide)
    a = np.zeros((len(one.x), len(one.x)))
    for u, v in one.edge_index.T.tolist():
        if u != v:
            a[u, v] = 1.0
    return a


@pytest.mark.parametrize("directed", [False, True])
def test_clusters_equal_dense_numpy(directed):
    slides = make_slides(6)
    slides = replace(slides, edge_index=slides.edge_index[:, ::2]) if directed else slides
    s = shares(len(slides.x), 4)
    got = min_cut(slides.x, s, slides.bags, where="here")
    for b in range(slides.num_graphs):
        a, mine, x = dense(slides, b), s[slides.rows(b)].numpy(), slides.x[slides.rows(b)].numpy()
        coarse = mine.T @ a @ mine
        np.testing.assert_allclose(got.edges[b], coarse, atol=1e-12)
        np.testing.assert_allclose(got.rows[b], mine.T @ x, atol=1e-12)
        degrees = np.trace(mine.T @ np.diag(a.sum(1)) @ mine)
        cut = -np.trace(coarse) / degrees if degrees else 0.0
        shared = mine.T @ mine
        apart = np.sqrt((((shared / np.sqrt((shared**2).sum())) - np.eye(4) / 2.0) ** 2).sum())
        np.testing.assert_allclose([got.cut[b], got.orthogonality[b]], [cut, apart], atol=1e-12)


def test_clusters_equal_pyg():
    slides = make_slides(6, sizes=(12, 7))
    logits = torch.randn(19, 5, dtype=torch.float64)
    got = min_cut(slides.x, logits.softmax(1), slides.bags, where="here")
    for b in range(2):
        a, rows = torch.from_numpy(dense(slides, b)), slides.rows(b)
        pooled, _, cut, apart = dense_mincut_pool(slides.x[rows], a, logits[rows])
        torch.testing.assert_close(got.rows[b], pooled[0], rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(got.cut[b], cut, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(got.orthogonality[b], apart, rtol=1e-10, atol=1e-10)


def triangles():
    """Three triangles that no edge joins, loops at all nodes, and which triangle each node is in."""
    here = [[u, v] for t in range(3) for u in range(3 * t, 3 * t + 3) for v in range(3 * t, 3 * t + 3)]
    adjacency = Adjacency.of(torch.tensor(here).T, 9)
    return Bags(torch.zeros(9, dtype=torch.long), 1, adjacency), torch.eye(3).repeat_interleave(3, 0)


def test_the_parts_of_a_graph_are_its_best_clusters():
    bags, s = triangles()
    s = s.double().requires_grad_()
    found = min_cut(s, s, bags, where="here")
    assert found.cut.item() == pytest.approx(-1.0, abs=1e-15)
    assert found.orthogonality.item() == pytest.approx(0.0, abs=1e-15)
    (found.cut + found.orthogonality).sum().backward()
    assert torch.isfinite(s.grad).all()


def test_one_cluster_for_all_cuts_nothing_and_is_as_far_from_orthogonal_as_can_be():
    bags, _ = triangles()
    s = torch.eye(3, dtype=torch.float64)[:1].expand(9, 3)
    found = min_cut(s, s, bags, where="here")
    assert found.cut.item() == pytest.approx(-1.0)
    assert found.orthogonality.item() == pytest.approx(np.sqrt((1 - 3**-0.5) ** 2 + 2 / 3))


def test_self_loops_do_not_count():
    slides = make_slides(6)
    loops = slides.edge_index[0] == slides.edge_index[1]
    bare = replace(slides, edge_index=slides.edge_index[:, ~loops])
    s = shares(len(slides.x), 4)
    one, other = (min_cut(each.x, s, each.bags, where="here") for each in (slides, bare))
    assert torch.equal(one.cut, other.cut)
    assert torch.equal(one.edges, other.edges)


def test_a_slide_without_edges_has_nothing_to_cut():
    bags = replace(make_slides(6).bags, edges=Adjacency(torch.empty(2, 0, dtype=torch.long), 18))
    s = shares(18, 4).requires_grad_()
    found = min_cut(s, s, bags, where="here")
    assert (found.cut == 0).all()
    (found.cut + found.orthogonality).sum().backward()
    assert torch.isfinite(s.grad).all()


def test_no_edges_to_read_is_refused():
    s = shares(5, 2)
    with pytest.raises(GraphError, match="Pool: expected a batch with edges, got none"):
        min_cut(s, s, Bags.of_sizes([5]), where="Pool")


def test_no_tensor_has_a_number_for_each_pair_of_patches(largest):
    n, nodes = 4_000, torch.arange(4_000)
    ring = torch.stack([nodes, (nodes + 1) % n])
    bags = Bags(torch.zeros(n, dtype=torch.long), 1, Adjacency.of(torch.cat([ring, ring.flip(0)], 1), n))
    s = torch.rand(n, 10).softmax(1).requires_grad_()
    with largest:
        found = min_cut(s, s, bags, where="here")
        (found.cut + found.orthogonality).sum().backward()
    assert largest.nbytes <= 4 * n * 10 * 2
