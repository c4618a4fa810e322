"""Bias, residual, LayerNorm and PReLU in one pass equal torch's operations one after the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wsigraph.nn.kernels.norm_act import _NormAct, norm_act


def parts(channels, dtype=torch.float64):
    norm, activation = nn.LayerNorm(channels).to(dtype), nn.PReLU().to(dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        norm.weight.normal_(generator=generator)
        norm.bias.normal_(generator=generator)
        activation.weight.fill_(-0.3)  # a slope that cannot be undone from the output
    return norm, activation


def made(*shape, seed, dtype=torch.float64):
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return drawn.requires_grad_()


def by_torch(out, bias, residual, norm, activation):
    z = out + bias if residual is None else out + bias + residual
    return activation(norm(z))


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(("rows", "channels"), [(1, 8), (70, 5), (200, 256)])
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_equals_torch(added, rows, channels, dtype, atol):
    norm, activation = parts(channels, dtype)
    results = []
    for way in (norm_act, None):
        leaves = [made(rows, channels, seed=1, dtype=dtype), made(channels, seed=2, dtype=dtype)]
        residual = made(rows, channels, seed=3, dtype=dtype) if added else None
        if way is None:
            y = by_torch(*leaves, residual, norm, activation)
        else:
            y = norm_act(*leaves, residual, norm=norm, activation=activation)
        inputs = [*leaves, *([residual] if added else []), *norm.parameters(), *activation.parameters()]
        grads = torch.autograd.grad(y, inputs, made(rows, channels, seed=4, dtype=dtype))
        results.append((y, grads))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-6, atol=atol)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=100 * atol)


@pytest.mark.parametrize("added", [False, True])
def test_gradients_agree_with_finite_differences(added):
    norm, activation = parts(5)
    out, bias, residual = made(70, 5, seed=1), made(5, seed=2), made(70, 5, seed=3)
    leaves = (out, bias, *norm.parameters(), *activation.parameters(), *([residual] if added else []))

    def run(*leaves):
        out, bias, weight, shift, slope, *residual = leaves
        return _NormAct.apply(out, bias, residual[0] if residual else None, weight, shift, slope, norm.eps)

    assert torch.autograd.gradcheck(run, leaves)


def test_threads_change_nothing():
    norm, activation = parts(256, torch.float32)
    before, results = torch.get_num_threads(), []
    out, bias = made(2000, 256, seed=1, dtype=torch.float32), made(256, seed=2, dtype=torch.float32)
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            y = norm_act(out, bias, out, norm=norm, activation=activation)
            results.append((y, *torch.autograd.grad(y.square().sum(), (out, bias, *norm.parameters()))))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_no_rows():
    norm, activation = parts(5)
    out, bias = made(0, 5, seed=1), made(5, seed=2)
    y = norm_act(out, bias, None, norm=norm, activation=activation)
    assert y.shape == (0, 5)
    assert (torch.autograd.grad(y.sum(), bias)[0] == 0).all()
