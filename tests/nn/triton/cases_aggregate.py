"""Weighted sums over neighbours in Triton against the plain-torch reference."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import aggregate as public
from wsigraph.nn.kernels import reference, triton_aggregate, triton_aggregate_op, triton_rows
from wsigraph.nn.kernels.triton_aggregate_op import triton_aggregate as aggregate


def draw(adjacency, *, width=5, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    shapes = [(adjacency.num_sources, width), (adjacency.edge_index.shape[1],), (adjacency.num_nodes, width)]
    tensors = [torch.randn(shape, generator=generator) for shape in shapes]
    return [v.to(adjacency.edge_index.device, dtype) for v in tensors]


def run(summed, x, weight, upstream):
    x = x.detach().clone().requires_grad_()
    weight = None if weight is None else weight.detach().clone().requires_grad_()
    out = summed(x, weight=weight)
    out.backward(upstream)
    return [out.detach(), x.grad, *([] if weight is None else [weight.grad])]


def plainly(adjacency):
    return partial(reference.aggregate_sum, edge_index=adjacency.edge_index, num_targets=adjacency.num_nodes)


@pytest.mark.parametrize("weighted", [False, True])
def test_values_and_gradients_are_those_of_the_reference(adjacency, weighted, short_parts):
    x, weight, upstream = draw(adjacency)
    weight = weight if weighted else None
    got = run(partial(aggregate, adjacency=adjacency), x, weight, upstream)
    for one, other in zip(got, run(plainly(adjacency), x, weight, upstream), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_rows_wider_than_a_program_holds(hub, short_parts, monkeypatch):
    monkeypatch.setattr(triton_aggregate, "COLUMNS", 4)
    x, weight, upstream = draw(hub, width=11)
    got = run(partial(aggregate, adjacency=hub), x, weight, upstream)
    for one, other in zip(got, run(plainly(hub), x, weight, upstream), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_half_precision_rounds_only_what_goes_in_and_out(hub, short_parts, half):
    dtype, step = half
    tensors = draw(hub, dtype=dtype)
    got = run(partial(aggregate, adjacency=hub), *tensors)
    assert [v.dtype for v in got] == [dtype] * 3
    for one, other in zip(got, run(plainly(hub), *(v.double() for v in tensors)), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=step, atol=1e-5)


def test_gradients_agree_with_finite_differences_twice(device):
    edges = torch.tensor([[0, 1, 2, 0, 2], [0, 0, 0, 1, 1]], device=device)
    adjacency = Adjacency(edges, 2, 3)
    x, weight, _ = draw(adjacency, width=2, dtype=torch.float64)
    summed = partial(aggregate, adjacency=adjacency)
    assert torch.autograd.gradcheck(
        lambda x, w: summed(x, weight=w), (x.requires_grad_(), weight.requires_grad_())
    )
    assert torch.autograd.gradgradcheck(lambda x: summed(x, weight=None), x)


def test_the_operator_is_well_formed(hub):
    x, weight, _ = draw(hub)
    inward, outward = hub.by_target, hub.by_source
    structure = [inward.ptr, inward.other, inward.edge, outward.ptr, outward.other, outward.edge]
    arguments = (x.requires_grad_(), weight.requires_grad_(), structure)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(triton_aggregate_op.weighted_sum, arguments, test_utils=tests)


@pytest.mark.parametrize("length", [1, 3, 7, 1000])
def test_short_rows_and_parts_cover_each_edge_once(hub, monkeypatch, length):
    monkeypatch.setattr(triton_rows, "SPLIT", length)
    ptr, num_edges = hub.by_target.ptr, hub.edge_index.shape[1]
    rows, parts = triton_rows.split(ptr, num_edges)
    spans = zip(rows.first.tolist(), rows.last.tolist(), strict=True)
    runs = [(row, a, b) for row, (a, b) in enumerate(spans)]
    if parts is not None:
        found = list(zip(parts.row.tolist(), parts.first.tolist(), parts.last.tolist(), strict=True))
        joined = parts.joined.tolist()
        starts = [i for i, count in enumerate(joined) if count]
        assert sum(joined) == sum(b > a for _, a, b in found)
        for i in starts:
            assert {row for row, _, _ in found[i : i + joined[i]]} == {found[i][0]}
        runs += found
    covered = [(row, e) for row, a, b in runs for e in range(a, b)]
    assert all(b - a <= length for _, a, b in runs)
    assert sorted(e for _, e in covered) == list(range(num_edges))
    assert all(ptr[row] <= e < ptr[row + 1] for row, e in covered)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_the_public_function_leads_here_on_a_gpu(hub, reduce, monkeypatch):
    x, weight, upstream = draw(hub)
    results = []
    for taken in (True, False):
        monkeypatch.setattr(public, "on_triton", lambda _, taken=taken: taken)
        summed = partial(public.aggregate, adjacency=hub, reduce=reduce)
        results.append(run(summed, x, weight, upstream))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
