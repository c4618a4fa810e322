"""Both kinds of graph attention in Triton against the plain-torch reference."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import (
    attention,
    attention_v2,
    reference,
    triton_attention_op,
    triton_attention_v2_op,
)
from wsigraph.nn.kernels.triton_attention_op import triton_graph_attention
from wsigraph.nn.kernels.triton_attention_v2_op import triton_graph_attention_v2

KINDS = {
    "gat": (triton_graph_attention, reference.graph_attention),
    "gatv2": (triton_graph_attention_v2, reference.graph_attention_v2),
}


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


def draw(kind, adjacency, *, heads=1, width=5, dtype=torch.float32):
    """Leaves of an attention, and what flows back into it."""
    generator = torch.Generator().manual_seed(1)
    sources, targets = adjacency.num_sources, adjacency.num_nodes
    shapes = {
        "gat": [(sources, heads, width), (sources, heads), (targets, heads)],
        "gatv2": [(sources, heads, width), (targets, heads, width), (heads, width)],
    }[kind]
    tensors = [torch.randn(s, generator=generator) for s in [*shapes, (targets, heads, width)]]
    if kind == "gatv2":
        tensors[2] /= width**0.5
    *leaves, upstream = [v.to(adjacency.edge_index.device, dtype) for v in tensors]
    keep = torch.rand(adjacency.edge_index.shape[1], heads, generator=generator).gt(0.3) / 0.7
    return [v.requires_grad_() for v in leaves], upstream, keep.to(upstream.device, dtype)


def run(attend, leaves, upstream):
    """Output, attention and gradients."""
    leaves = [v.detach().clone().requires_grad_() for v in leaves]
    out, attention = attend(*leaves)
    out.backward(upstream)
    return [out.detach(), attention.detach(), *(v.grad for v in leaves)]


def both(kind, adjacency, leaves, upstream, keep, *, exact=torch.float64):
    """Triton's results and those of the reference in another precision."""
    fast, plain = KINDS[kind]
    options = {"negative_slope": 0.2, "keep": keep}
    got = run(partial(fast, adjacency=adjacency, **options), leaves, upstream)
    options["keep"] = None if keep is None else keep.to(exact)
    wanted = run(
        partial(plain, edge_index=adjacency.edge_index, **options),
        [v.to(exact) for v in leaves],
        upstream.to(exact),
    )
    return got, wanted


def compare(got, wanted, **tolerance):
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one.to(other.dtype), other, **tolerance)


@pytest.mark.parametrize("dropout", [False, True])
def test_values_and_gradients_are_those_of_the_reference(kind, adjacency, dropout, short_parts):
    leaves, upstream, keep = draw(kind, adjacency)
    compare(*both(kind, adjacency, leaves, upstream, keep if dropout else None), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("heads", "width"), [(2, 1), (3, 5), (1, 33)])
def test_any_number_of_heads_and_channels(kind, hub, heads, width):
    leaves, upstream, keep = draw(kind, hub, heads=heads, width=width)
    compare(*both(kind, hub, leaves, upstream, keep), rtol=1e-5, atol=1e-5)


def test_half_precision_rounds_only_what_goes_in_and_out(kind, hub, short_parts, half):
    dtype, step = half
    leaves, upstream, keep = draw(kind, hub, dtype=dtype)
    got, wanted = both(kind, hub, leaves, upstream, keep)
    assert [v.dtype for v in got] == [dtype, torch.float32, dtype, dtype, dtype]
    compare(got[1:2], wanted[1:2], rtol=1e-5, atol=1e-6)
    compare([got[0], *got[2:]], [wanted[0], *wanted[2:]], rtol=step, atol=1e-5)


def test_gradients_agree_with_finite_differences(kind, short_parts, device):
    edges = torch.tensor([[0, 1, 2, 0, 1, 2, 2, 1, 0], [0] * 8 + [1]], device=device)
    adjacency = Adjacency(edges, 3, 3)
    leaves, _, keep = draw(kind, adjacency, heads=1, width=2, dtype=torch.float64)
    options = {"adjacency": adjacency, "negative_slope": 0.2, "keep": keep}
    assert torch.autograd.gradcheck(lambda *v: KINDS[kind][0](*v, **options)[0], leaves)


def test_parts_of_long_rows_change_only_rounding(kind, hub, monkeypatch):
    from wsigraph.nn.kernels import triton_rows

    leaves, upstream, keep = draw(kind, hub, dtype=torch.float64)
    attend = partial(KINDS[kind][0], adjacency=hub, negative_slope=0.2, keep=keep)
    results = []
    for length in (1000, 7):
        monkeypatch.setattr(triton_rows, "SPLIT", length)
        results.append(run(attend, leaves, upstream))
    for other in results[1:]:
        compare(results[0], other, rtol=1e-11, atol=1e-12)


def test_two_runs_give_the_same_bits(kind, hub, short_parts):
    leaves, upstream, keep = draw(kind, hub)
    attend = partial(KINDS[kind][0], adjacency=hub, negative_slope=0.2, keep=keep)
    assert all(map(torch.equal, run(attend, leaves, upstream), run(attend, leaves, upstream)))


def test_the_order_of_edges_does_not_matter(kind, hub):
    leaves, upstream, _ = draw(kind, hub, dtype=torch.float64)
    shuffled = hub.edge_index[:, torch.randperm(hub.edge_index.shape[1]).to(hub.edge_index.device)]
    results = []
    for adjacency in (hub, Adjacency.of(shuffled, hub.num_nodes)):
        attend = partial(KINDS[kind][0], adjacency=adjacency, negative_slope=0.2, keep=None)
        out, _, *gradients = run(attend, leaves, upstream)
        results.append([out, *gradients])
    compare(*results, rtol=1e-11, atol=1e-12)


def test_a_batch_is_its_graphs_one_by_one(kind, hub):
    leaves, _, _ = draw(kind, hub)
    count, edges = hub.num_nodes, hub.edge_index
    twice = Adjacency(torch.cat([edges, edges + count], dim=1), 2 * count, 2 * count)
    stacked = [v if v.shape[0] == 1 else torch.cat([v, v.flip(0)]) for v in leaves]
    flipped = [v if v.shape[0] == 1 else v.flip(0) for v in leaves]
    options = {"negative_slope": 0.2, "keep": None}
    together = KINDS[kind][0](*stacked, adjacency=twice, **options)
    apart = [KINDS[kind][0](*v, adjacency=hub, **options) for v in (leaves, flipped)]
    for whole, parts in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-6, atol=1e-6)


def test_rows_without_edges_give_zero_and_attention_sums_to_one(kind, hub, short_parts):
    leaves, _, _ = draw(kind, hub)
    out, attention = KINDS[kind][0](*leaves, adjacency=hub, negative_slope=0.2, keep=None)
    total = torch.zeros(hub.num_nodes, 1, device=out.device).index_add_(0, hub.edge_index[1], attention)
    entered = hub.by_target.ptr.diff() > 0
    assert not entered.all()
    assert (out[~entered] == 0).all()
    torch.testing.assert_close(total, entered.float().unsqueeze(-1).expand_as(total))


def test_large_logits_stay_finite(kind, hub, short_parts):
    leaves, upstream, _ = draw(kind, hub)
    scaled = [leaves[0], *(v * 1e4 for v in leaves[1:])]
    got, wanted = both(kind, hub, scaled, upstream, None, exact=torch.float32)
    assert all(v.isfinite().all() for v in got)
    compare(got[:2], wanted[:2], rtol=1e-4, atol=1e-4)


def test_attention_is_made_on_request_only(kind, hub):
    leaves, _, _ = draw(kind, hub)
    options = {"adjacency": hub, "negative_slope": 0.2, "keep": None}
    out, attention = KINDS[kind][0](*leaves, **options, wants_attention=False)
    assert attention.shape == (0, 1)
    assert torch.equal(out, KINDS[kind][0](*leaves, **options)[0])


def test_the_operator_is_well_formed(kind, hub):
    leaves, _, keep = draw(kind, hub)
    fused = {"gat": triton_attention_op.fused, "gatv2": triton_attention_v2_op.fused}[kind]
    structure = triton_attention_op.structure_of(hub)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(fused, (*leaves, keep, structure, 0.2, True), test_utils=tests)
    torch.library.opcheck(fused, (*leaves, None, structure, 0.2, False), test_utils=tests)


def test_torch_compile_takes_it_whole(kind, hub):
    leaves, upstream, keep = draw(kind, hub)
    attend = partial(KINDS[kind][0], adjacency=hub, negative_slope=0.2, keep=keep)
    wanted = run(attend, leaves, upstream)
    assert all(
        map(
            torch.equal,
            run(torch.compile(attend, backend="aot_eager", fullgraph=True), leaves, upstream),
            wanted,
        )
    )


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_public_functions_lead_here_on_a_gpu(kind, hub, dropout, monkeypatch):
    module, public = {
        "gat": (attention, attention.graph_attention),
        "gatv2": (attention_v2, attention_v2.graph_attention_v2),
    }[kind]
    leaves, upstream, _ = draw(kind, hub)
    through = partial(public, adjacency=hub, negative_slope=0.3, dropout=dropout)
    results = []
    for taken in (True, False):
        monkeypatch.setattr(module, "on_triton", lambda _, taken=taken: taken)
        torch.manual_seed(0)
        results.append(run(through, leaves, upstream))
    compare(*results, rtol=1e-5, atol=1e-5)
