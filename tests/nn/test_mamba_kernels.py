"""What stands around a selective scan, against loops and finite differences: convolution, steps, gate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from wsigraph.nn.kernels import gated_skip as gate_module
from wsigraph.nn.kernels import numba_variants
from wsigraph.nn.kernels import short_conv as conv_module
from wsigraph.nn.kernels.gated_skip import gated_skip
from wsigraph.nn.kernels.numba_variants import BLOCK
from wsigraph.nn.kernels.short_conv import short_conv_silu
from wsigraph.nn.kernels.softplus import softplus
from wsigraph.nn.layers.raster import inverse_order, permuted


@pytest.fixture(params=["fused", "plain"])
def form(request, monkeypatch):
    """The fused loops, and the plain form that runs elsewhere."""
    if request.param == "plain":
        for module in (conv_module, gate_module):
            monkeypatch.setattr(module, "on_numba", lambda values: False)


def random(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=dtype)


def sides(n, channels, taps=4, dtype=torch.float64):
    """Rows and gates as a projection gives them, side by side, then weights and bias."""
    packed = random(n, 2 * channels, dtype=dtype).requires_grad_()
    weight, bias = random(channels, taps, dtype=dtype), random(channels, dtype=dtype)
    return packed, weight.requires_grad_(), bias.requires_grad_()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("taps", [1, 2, 4])
@pytest.mark.parametrize(("n", "channels"), [(1, 3), (2, 1), (3, 3), (BLOCK + 1, 3), (2 * BLOCK + 3, 5)])
def test_the_convolution_equals_loops(n, channels, taps):
    packed, weight, bias = (one.detach() for one in sides(n, channels, taps))
    wanted = np.empty((n, channels))
    for t in range(n):
        for c in range(channels):
            a = float(bias[c])
            for back in range(min(taps, t + 1)):
                a += float(weight[c, taps - 1 - back] * packed[t - back, c])
            wanted[t, c] = a * sigmoid(a)
    out = short_conv_silu(packed[:, :channels], weight, bias)
    np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("taps", [1, 4])
@pytest.mark.parametrize("n", [1, 3, BLOCK + 2])
def test_the_convolution_has_the_gradients_of_finite_differences(n, taps):
    packed, weight, bias = sides(n, 2, taps)
    assert torch.autograd.gradcheck(lambda p, w, b: short_conv_silu(p[:, :2], w, b), (packed, weight, bias))


@pytest.mark.usefixtures("form")
def test_the_gate_equals_loops_and_finite_differences():
    n, channels = BLOCK + 3, 2
    y, u, skip, z = random(n, channels), random(n, channels + 1)[:, 1:], random(channels), random(n, 4)[:, 2:]
    wanted = np.empty((n, channels))
    for t in range(n):
        for c in range(channels):
            a = float(z[t, c])
            wanted[t, c] = (y[t, c] + skip[c] * u[t, c]) * a * sigmoid(a)
    np.testing.assert_allclose(gated_skip(y, u, skip, z), wanted, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(gated_skip, [one.requires_grad_() for one in (y, u, skip, z)])


@pytest.mark.parametrize("size", [1.0, 90.0, 1e4])
def test_single_precision_keeps_its_digits_far_from_zero(size, monkeypatch):
    """Exponentials that single precision cannot hold are never taken."""
    packed, weight, bias = sides(100, 70, dtype=torch.float32)
    skip = random(70, dtype=torch.float32).requires_grad_()

    def run():
        u = short_conv_silu(size * packed[:, :70], weight, bias)
        out = gated_skip(u, u, skip, size * packed[:, 70:])
        return out, *torch.autograd.grad(out.sum(), (packed, weight, bias, skip))

    found = run()
    for module in (conv_module, gate_module):
        monkeypatch.setattr(module, "on_numba", lambda values: False)
    for one, other in zip(found, run(), strict=True):
        assert torch.isfinite(one).all()
        assert (one - other).abs().max() <= 2e-5 * other.abs().max()


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(numba_variants, "PARALLEL_FROM", 0)
    packed, weight, bias = sides(5 * BLOCK + 7, 48, dtype=torch.float32)
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            u = short_conv_silu(packed[:, :48], weight, bias)
            out = gated_skip(u, u, bias, packed[:, 48:])
            results.append((out, *torch.autograd.grad(out.square().sum(), (packed, weight, bias))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_softplus_is_torchs_and_keeps_its_answer_alone():
    x, kept = torch.linspace(-40, 60, 501, dtype=torch.float64).requires_grad_(), []
    with torch.autograd.graph.saved_tensors_hooks(lambda v: kept.append(v) or v, lambda v: v):
        out = softplus(x)
    assert torch.equal(out, functional.softplus(x))
    assert [one.data_ptr() for one in kept] == [out.data_ptr()]
    (found,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(found, torch.sigmoid(x), rtol=1e-9, atol=0)


def test_permuted_rows_and_the_way_back():
    rows, order = random(9, 2).requires_grad_(), torch.randperm(9, generator=torch.Generator().manual_seed(1))
    out = permuted(rows, order)
    assert torch.equal(out, rows[order])
    assert torch.equal(permuted(out, inverse_order(order)), rows)
    weight = random(9, 2).flip(0)
    (found,) = torch.autograd.grad((out * weight).sum(), rows)
    (wanted,) = torch.autograd.grad((rows[order] * weight).sum(), rows)
    assert torch.equal(found, wanted)
    assert torch.autograd.gradgradcheck(lambda x: permuted(x.square(), order), (rows,))
