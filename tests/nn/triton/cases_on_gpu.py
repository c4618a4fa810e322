"""On a GPU, at sizes where programs overlap: against the reference there, and bit for bit twice."""

from __future__ import annotations

import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.triton_attention_op import triton_graph_attention
from wsigraph.nn.kernels.triton_attention_v2_op import triton_graph_attention_v2

NODES, DEGREE, HEADS, WIDTH = 20_000, 24, 4, 64
BOTH = [
    ((triton_graph_attention, reference.graph_attention), [(HEADS,), (HEADS,)]),
    ((triton_graph_attention_v2, reference.graph_attention_v2), [(HEADS, WIDTH), None]),
]


@pytest.fixture(scope="module")
def adjacency():
    """Random edges, and a hub joined both ways with each node."""
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(NODES, (2, NODES * DEGREE), generator=generator)
    nodes, hub = torch.arange(NODES), torch.zeros(NODES, dtype=torch.long)
    edges = torch.cat([edges, torch.stack([nodes, hub]), torch.stack([hub, nodes])], dim=1)
    return Adjacency.of(edges.cuda(), NODES)


def draw(shapes, dtype):
    generator = torch.Generator("cuda").manual_seed(1)
    full = [(NODES, HEADS, WIDTH), *((HEADS, WIDTH) if s is None else (NODES, *s) for s in shapes)]
    scale = [1.0 if s != (HEADS, WIDTH) else WIDTH**-0.5 for s in full]
    leaves = [
        torch.randn(s, generator=generator, device="cuda") * k for s, k in zip(full, scale, strict=True)
    ]
    return [v.to(dtype).requires_grad_() for v in leaves], torch.randn(full[0], device="cuda").to(dtype)


def run(attend, leaves, upstream):
    leaves = [v.detach().clone().requires_grad_() for v in leaves]
    out, attention = attend(*leaves)
    out.backward(upstream)
    return [out.detach(), attention.detach(), *(v.grad for v in leaves)]


@pytest.mark.parametrize(("kinds", "shapes"), BOTH, ids=["gat", "gatv2"])
@pytest.mark.parametrize(("dtype", "step"), [(torch.float32, 1e-5), (torch.bfloat16, 2**-8)])
def test_equals_the_reference(adjacency, kinds, shapes, dtype, step):
    fast, plain = kinds
    leaves, upstream = draw(shapes, dtype)
    keep = torch.rand(adjacency.edge_index.shape[1], HEADS, device="cuda").gt(0.2).to(dtype) / 0.8
    options = {"negative_slope": 0.2, "keep": keep}
    got = run(lambda *v: fast(*v, adjacency=adjacency, **options), leaves, upstream)
    again = run(lambda *v: fast(*v, adjacency=adjacency, **options), leaves, upstream)
    assert all(map(torch.equal, got, again))
    options["keep"] = keep.double()
    wanted = run(
        lambda *v: plain(*v, edge_index=adjacency.edge_index, **options),
        [v.double() for v in leaves],
        upstream.double(),
    )
    for one, other in zip(got, wanted, strict=True):
        largest = other.abs().max()  # the hub sums thousands of terms, and so does the direction's gradient
        torch.testing.assert_close(one.double(), other, rtol=step, atol=1e-5 * max(1.0, largest.item()))
