"""The fused scan beside the plain one and finite differences: blocks of channels, pieces, threads."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import softplus

from wsigraph.nn.kernels import selective_scan as module
from wsigraph.nn.kernels.numba_selective_scan import WIDTH
from wsigraph.nn.kernels.selective_scan import selective_scan

NAMES = ("x", "step", "decay", "write", "read")


def inputs(n, channels, states, *, dtype=torch.float64, steps=0.0):
    generator = torch.Generator().manual_seed(n + channels)
    shapes = ((n, channels), (n, channels), (channels, states), (n, states), (n, states))
    x, step, decay, write, read = (torch.randn(s, generator=generator, dtype=dtype) for s in shapes)
    leaves = (x, softplus(step + steps), -0.1 - decay.abs(), write, read)
    return [one.requires_grad_() for one in leaves]


def run(leaves, weight):
    x, step, decay, write, read = leaves
    out = selective_scan(x, step, decay=decay, write=write, read=read)
    return out, *torch.autograd.grad((out * weight).sum(), leaves)


@pytest.fixture
def plain(monkeypatch):
    def answer(leaves, weight):
        with monkeypatch.context() as patch:
            patch.setattr(module, "on_numba", lambda values: False)
            return run(leaves, weight)

    return answer


@pytest.mark.parametrize("channels", [1, WIDTH - 1, WIDTH, 2 * WIDTH + 5])
@pytest.mark.parametrize(("n", "states"), [(1, 1), (module.PIECE, 3), (2 * module.PIECE + 9, 16)])
def test_the_fused_scan_equals_the_plain_one(n, states, channels, plain):
    leaves = inputs(n, channels, states)
    weight = torch.randn(n, channels, dtype=torch.float64)
    for one, other in zip(run(leaves, weight), plain(leaves, weight), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("steps", [-4.0, 0.0, 40.0], ids=["long memory", "short", "none"])
def test_single_precision_keeps_its_digits(steps):
    """Against double precision; long steps decay by less than single precision holds."""
    leaves = inputs(300, 70, 16, dtype=torch.float32, steps=steps)
    weight = torch.randn(300, 70)
    wide = [one.detach().double().requires_grad_() for one in leaves]
    for one, other in zip(run(leaves, weight), run(wide, weight.double()), strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() <= 2e-5 * other.abs().max()


@pytest.mark.parametrize("piece", [1, 3, 8])
def test_gradients_are_those_of_finite_differences(piece, monkeypatch):
    monkeypatch.setattr(module, "PIECE", piece)
    leaves = inputs(7, 5, 3)

    def scan(*given):
        named = dict(zip(NAMES[2:], given[2:], strict=True))
        return selective_scan(*given[:2], **named)

    assert torch.autograd.gradcheck(scan, leaves)


def test_threads_change_nothing(monkeypatch):
    from wsigraph.nn.kernels import numba_variants

    monkeypatch.setattr(numba_variants, "PARALLEL_FROM", 0)
    leaves, weight = inputs(150, 3 * WIDTH, 16, dtype=torch.float32), torch.randn(150, 3 * WIDTH)
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(run(leaves, weight))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_rows_that_lie_apart_and_half_precision():
    x, step, decay, write, read = (one.detach() for one in inputs(20, 6, 4, dtype=torch.float32))
    want = selective_scan(x, step, decay=decay, write=write, read=read)
    both = torch.cat([write, read], 1)  # views of one tensor, as a projection gives them
    got = selective_scan(x.T.contiguous().T, step, decay=decay, write=both[:, :4], read=both[:, 4:])
    assert torch.equal(got, want)
    half = [one.bfloat16() for one in (x, step, decay, write, read)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = selective_scan(*half[:2], decay=half[2], write=half[3], read=half[4])
    wide = [one.float() for one in half]
    assert torch.equal(got, selective_scan(*wide[:2], decay=wide[2], write=wide[3], read=wide[4]))


def test_no_states_are_kept_where_nothing_is_trained(monkeypatch, largest):
    monkeypatch.setattr(module, "PIECE", 1)
    x, step, decay, write, read = inputs(50, 8, 16)
    with largest, torch.no_grad():
        selective_scan(x, step, decay=decay, write=write, read=read)
    assert largest.nbytes == write.nbytes
