"""GATv2's attention against PyG and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GATv2Conv

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.attention_v2 import graph_attention_v2
from wsigraph.nn.kernels.attention_v2_op import fused_attention_v2
from wsigraph.testing.slides import make_slides


def leaves(sources, targets, heads=2, width=3):
    generator = torch.Generator().manual_seed(0)
    shapes = ((sources, heads, width), (targets, heads, width), (heads, width))
    return [torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_pyg(dtype):
    slides = make_slides(6)
    theirs = GATv2Conv(6, 5, heads=3, add_self_loops=False, bias=False).to(dtype)
    x = slides.x.to(dtype)
    grads = []
    for ours in (True, False):
        theirs.zero_grad()
        if ours:
            h_src, h_dst = theirs.lin_l(x).view(-1, 3, 5), theirs.lin_r(x).view(-1, 3, 5)
            out = graph_attention_v2(h_src, h_dst, theirs.att[0], adjacency=slides.adjacency)[0].flatten(1)
        else:
            out = theirs(x, slides.edge_index)
        out.square().sum().backward()
        grads.append([out.detach(), *(p.grad.clone() for p in theirs.parameters())])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_gradients_agree_with_finite_differences_between_two_sets():
    generator = torch.Generator().manual_seed(1)
    edges = torch.stack([torch.randint(n, (15,), generator=generator) for n in (7, 3)])
    edges = edges[:, edges[1].argsort(stable=True)]
    adjacency = Adjacency(edges, 4, 7)  # nothing enters the fourth target
    assert torch.autograd.gradcheck(lambda *v: graph_attention_v2(*v, adjacency=adjacency)[0], leaves(7, 4))
    assert (graph_attention_v2(*leaves(7, 4), adjacency=adjacency)[0][3] == 0).all()


def large():
    """Edges among 400 nodes whose rows are columns of one matrix, and factors of dropout."""
    generator = torch.Generator().manual_seed(2)
    edges = torch.randint(400, (2, 4000), generator=generator)
    adjacency = Adjacency.of(edges, 400)
    both = torch.randn(400, 2 * 128, generator=generator, dtype=torch.float64)
    keep = torch.rand(4000, 4, generator=generator, dtype=torch.float64).gt(0.3).double() / 0.7
    return adjacency, both, torch.randn(4, 32, generator=generator, dtype=torch.float64), keep


def run(way, adjacency, both, a, keep):
    leaves = both.clone().requires_grad_(), a.clone().requires_grad_()
    h, g = (part.unflatten(1, (4, 32)) for part in leaves[0].chunk(2, 1))
    if way == "fused":
        out, attention = fused_attention_v2(
            h, g, leaves[1], adjacency=adjacency, negative_slope=0.2, keep=keep
        )
    else:
        edges = adjacency.edge_index
        out, attention = reference.graph_attention_v2(
            h, g, leaves[1], edge_index=edges, negative_slope=0.2, keep=keep
        )
    (out * out.detach().cos()).sum().backward()
    return out.detach(), attention.detach(), *(leaf.grad for leaf in leaves)


@pytest.mark.parametrize("dropped", [False, True])
def test_equals_the_reference_with_rows_that_lie_apart(dropped):
    adjacency, both, a, keep = large()
    keep = keep if dropped else None
    for one, other in zip(
        run("fused", adjacency, both, a, keep), run("plain", adjacency, both, a, keep), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


def test_the_number_of_threads_does_not_change_a_bit():
    before, results = torch.get_num_threads(), []
    adjacency, both, a, keep = large()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(run("fused", adjacency, both.float(), a.float(), keep.float()))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
