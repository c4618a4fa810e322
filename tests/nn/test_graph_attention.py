"""The fused operator, the plain-torch reference and loops in NumPy say the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from torch import nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import attention_op, numba_attention, numba_edges, reference
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.nn.kernels.numba_variants import PARALLEL_FROM


def random_graph(nodes, edges, *, heads=3, width=4, seed=0, dtype=torch.float64):
    """Edges in no order, some twice, and nodes that no edge enters."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=dtype)

    edge_index = torch.randint(nodes, (2, edges), generator=generator)
    edge_index[1][edge_index[1] % 5 == 0] = 1  # nodes 0, 5, 10 ... receive nothing
    edge_index = torch.cat([edge_index, edge_index[:, : edges // 4]], dim=1)  # duplicates
    edge_index = edge_index[:, torch.randperm(edge_index.shape[1], generator=generator)]
    return draw(nodes, heads, width), draw(nodes, heads), draw(nodes, heads), edge_index


def loops(h, s, t, edge_index, slope=0.2):
    """Velickovic et al. 2018, eq. 1-6, one edge at a time."""
    h, s, t, edges = h.numpy(), s.numpy(), t.numpy(), edge_index.numpy()
    out = np.zeros_like(h)
    for v in range(h.shape[0]):
        sources = [edges[0, e] for e in range(edges.shape[1]) if edges[1, e] == v]
        for k in range(h.shape[1]):
            logits = [s[u, k] + t[v, k] for u in sources]
            weights = [np.exp(x if x > 0 else slope * x) for x in logits]
            for u, weight in zip(sources, weights, strict=True):
                out[v, k] += weight / sum(weights) * h[u, k]
    return out


def plain(h, s, t, edge_index):
    keep = h.new_ones(edge_index.shape[1], h.shape[1])
    return reference.graph_attention(h, s, t, edge_index=edge_index, negative_slope=0.2, keep=keep)[0]


def fused(h, s, t, edge_index):
    return graph_attention(h, s, t, adjacency=Adjacency.of(edge_index, h.shape[0]))[0]


def test_fused_and_reference_equal_loops():
    h, s, t, edges = random_graph(17, 60)
    wanted = loops(h, s, t, edges)
    np.testing.assert_allclose(plain(h, s, t, edges).numpy(), wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fused(h, s, t, edges).numpy(), wanted, rtol=0, atol=1e-12)


def test_a_node_without_incoming_edges_receives_zero():
    h, s, t, edges = random_graph(17, 60)
    for out in (fused(h, s, t, edges), plain(h, s, t, edges)):
        assert (out[[0, 5, 10, 15]] == 0).all()
        assert (out[1] != 0).all()


def test_a_duplicate_edge_counts_twice():
    h, s, t = (v[:3] for v in random_graph(3, 6)[:3])
    once, twice = torch.tensor([[0, 1], [2, 2]]), torch.tensor([[0, 0, 1], [2, 2, 2]])
    weights = torch.softmax(
        torch.stack([nn.functional.leaky_relu(s[u] + t[2], 0.2) for u in (0, 0, 1)]), dim=0
    ).unsqueeze(-1)
    by_hand = weights[0] * h[0] + weights[1] * h[0] + weights[2] * h[1]
    torch.testing.assert_close(fused(h, s, t, twice)[2], by_hand)
    assert not torch.allclose(fused(h, s, t, once)[2], by_hand)


def test_no_edges_at_all():
    h, s, t, _ = random_graph(4, 6)
    assert (fused(h, s, t, torch.zeros(2, 0, dtype=torch.long)) == 0).all()


def test_attention_of_each_node_sums_to_one_over_its_incoming_edges():
    h, s, t, edges = random_graph(17, 60)
    adjacency = Adjacency.of(edges, 17)
    _, attention = graph_attention(h, s, t, adjacency=adjacency)
    total = torch.zeros(17, 3, dtype=torch.float64).index_add_(0, adjacency.edge_index[1], attention)
    entered = torch.bincount(adjacency.edge_index[1], minlength=17) > 0
    torch.testing.assert_close(total[entered], torch.ones_like(total[entered]))


def test_large_logits_stay_finite():
    h, s, t, edges = random_graph(17, 60, dtype=torch.float32)
    out = fused(h, s * 1e4, t * 1e4, edges)
    assert torch.isfinite(out).all()
    torch.testing.assert_close(out, plain(h, s * 1e4, t * 1e4, edges))


def test_gradients_agree_with_finite_differences():
    h, s, t, edges = random_graph(7, 20, heads=2, width=3)
    leaves = [v.requires_grad_() for v in (h, s, t)]
    assert torch.autograd.gradcheck(lambda *v: fused(*v, edges), leaves)


def test_from_one_set_of_nodes_into_another():
    h, s, t, edges = random_graph(9, 40, heads=2, width=3)
    edges = edges[:, edges[1] < 4]
    adjacency = Adjacency(edges[:, edges[1].argsort(stable=True)].contiguous(), 4, 9)
    leaves = [v.requires_grad_() for v in (h, s, t[:4].clone())]
    out, _ = graph_attention(*leaves, adjacency=adjacency)
    np.testing.assert_allclose(out.detach(), loops(*(v.detach() for v in (h, s, t)), edges)[:4], atol=1e-12)
    assert torch.autograd.gradcheck(lambda *v: graph_attention(*v, adjacency=adjacency)[0], leaves)


def test_rows_that_lie_apart_are_walked_where_they_are():
    """h, s and t are often columns of one matrix, the output of one projection."""
    *_, edges = random_graph(7, 20)
    both = torch.randn(7, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def run(both):
        h, s, t = both[:, :6].unflatten(1, (2, 3)), both[:, 6:8], both[:, 8:]
        return fused(h, s, t, edges), (h, s, t)

    out, parts = run(both)
    assert torch.equal(out, fused(*(v.contiguous() for v in parts), edges))
    assert torch.autograd.gradcheck(lambda v: run(v)[0], both.requires_grad_())


def test_gradients_agree_with_the_reference_under_dropout():
    h, s, t, edges = random_graph(30, 120)
    adjacency, grads = Adjacency.of(edges, 30), []
    upstream = torch.randn(h.shape, dtype=h.dtype)
    keep = torch.rand(adjacency.edge_index.shape[1], 3, dtype=h.dtype).gt(0.3).double() / 0.7
    for path in ("fused", "plain"):
        leaves = [v.clone().requires_grad_() for v in (h, s, t)]
        if path == "fused":
            structure = attention_op.structure_of(adjacency)
            out, *_ = attention_op.fused_attention(*leaves, keep, structure, 0.2)
        else:
            out, _ = reference.graph_attention(
                *leaves, edge_index=adjacency.edge_index, negative_slope=0.2, keep=keep
            )
        out.backward(upstream)
        grads.append([leaf.grad for leaf in leaves])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_operator_is_well_formed():
    h, s, t, edges = random_graph(7, 20, heads=2, width=3)
    a = Adjacency.of(edges, 7)
    keep = torch.ones(a.edge_index.shape[1], 2, dtype=torch.float64)
    found = torch.library.opcheck(
        attention_op.fused_attention,
        (*(v.requires_grad_() for v in (h, s, t)), keep, attention_op.structure_of(a), 0.2),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )
    assert set(found.values()) == {"SUCCESS"}


@pytest.fixture
def large():
    h, s, t, edges = random_graph(3000, 24_000, heads=4, width=8, dtype=torch.float32)
    assert edges.shape[1] * h.shape[1] * h.shape[2] > PARALLEL_FROM
    return h, s, t, edges


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def forward_and_backward(h, s, t, edges):
    leaves = [v.clone().requires_grad_() for v in (h, s, t)]
    out = fused(*leaves, edges)
    out.backward(torch.ones_like(out) * torch.linspace(-1, 1, out.shape[-1]))
    return [out.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_parallel_equals_the_reference(large, threads, monkeypatch):
    threads(2)
    h, s, t, edges = large
    taken, real = [], numba_attention.forward
    spy = replace(real, parallel=lambda *a: taken.append(1) or real.parallel(*a))
    monkeypatch.setattr(numba_attention, "forward", spy)
    torch.testing.assert_close(fused(h, s, t, edges), plain(h, s, t, edges), rtol=1e-4, atol=1e-5)
    assert taken


def test_the_number_of_threads_does_not_change_a_bit(large, threads):
    results = []
    for count in (2, 1, 2):
        threads(count)
        results.append(forward_and_backward(*large))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert torch.equal(a, b)


SMALL_THEN_LARGE = """
import warnings; warnings.simplefilter("ignore")
import torch
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.testing.slides import make_slides
torch.set_num_threads(1)
for sizes, threads in (((9,), 1), ((3000,), 1), ((3000,), 2)):
    torch.set_num_threads(threads)
    slides = make_slides(8, sizes=sizes)
    GATLayer(8, 4, heads=4).double()(slides.x, slides.adjacency).sum().backward()
    assert torch.get_num_threads() == threads, (sizes, torch.get_num_threads())
"""


def test_torch_keeps_its_number_of_threads():
    """Numba's OpenMP layer sets the number for the whole process when it is first loaded."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL_THEN_LARGE], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_variants_do_not_share_a_place_in_the_compiler_cache():
    for loop in (numba_attention.forward, numba_edges.spread):
        places = {twin._cache._impl.filename_base for twin in (loop.sequential, loop.parallel)}
        assert len(places) == 2


class InWorker(torch.utils.data.Dataset):
    """Runs a large layer in a loader's process."""

    def __init__(self, graph):
        self.graph = graph

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return fused(*self.graph).sum()


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_forked_loader_worker_survives(large, threads):
    """Numba's OpenMP layer kills a forked worker once the parent has used it: the worker runs in sequence."""
    threads(2)
    wanted = fused(*large).sum()
    loader = torch.utils.data.DataLoader(InWorker(large), num_workers=1, multiprocessing_context="fork")
    for value in loader:
        torch.testing.assert_close(value[0], wanted)


def test_edges_are_sorted_by_target_and_the_transpose_walks_the_same_edges():
    *_, edges = random_graph(17, 60)
    adjacency = Adjacency.of(edges, 17)
    source, target = adjacency.edge_index
    assert (target.diff() >= 0).all()
    assert sorted(zip(*adjacency.edge_index.tolist(), strict=True)) == sorted(
        zip(*edges.tolist(), strict=True)
    )
    outward = adjacency.by_source
    for u in range(17):
        span = slice(outward.ptr[u], outward.ptr[u + 1])
        assert (source[outward.edge[span]] == u).all()
        assert torch.equal(target[outward.edge[span]], outward.other[span])
