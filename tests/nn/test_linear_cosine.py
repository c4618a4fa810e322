"""The blockwise cosine error against torch's own cosine similarity, gradients included."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity, linear

from wsigraph.nn.kernels import linear_cosine as module
from wsigraph.nn.kernels.linear_cosine import linear_cosine


def made(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("block", [1, 4, 2048])
@pytest.mark.parametrize("rows", [0, 1, 9])
def test_equals_the_plain_form(alpha, block, rows, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    target, row_weight = made(rows, 5, seed=1), made(rows, seed=2).abs()
    sides = [[made(rows, 3, seed=3), made(5, 3, seed=4), made(5, seed=5)] for _ in range(2)]
    for side in sides:
        for leaf in side:
            leaf.requires_grad_()
    error = 1 - cosine_similarity(linear(*sides[0]), target, dim=-1)
    plain = (row_weight * error**alpha).sum()
    ours = linear_cosine(*sides[1], target=target, row_weight=row_weight, alpha=alpha)
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
    (3 * plain).backward()
    (3 * ours).backward()
    for one, other in zip(*sides, strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=0, atol=1e-12)


def test_zero_where_every_row_points_along_its_target():
    x, weight = made(6, 4, seed=1), torch.eye(4, dtype=torch.float64)
    value = linear_cosine(x, weight, torch.zeros(4).double(), target=3 * x, row_weight=torch.ones(6).double())
    assert value.item() == pytest.approx(0.0, abs=1e-12)


def test_rows_of_zeros_give_an_error_of_one_and_finite_gradients():
    x = torch.zeros(2, 3, requires_grad=True)
    weight, bias = torch.ones(4, 3, requires_grad=True), torch.zeros(4, requires_grad=True)
    target = torch.stack([torch.zeros(4), torch.ones(4)])
    value = linear_cosine(x, weight, bias, target=target, row_weight=torch.ones(2))
    value.backward()
    assert value.item() == pytest.approx(2.0)
    assert all(torch.isfinite(leaf.grad).all() for leaf in (x, weight, bias))


def test_gradcheck():
    leaves = [made(5, 3, seed=1), made(4, 3, seed=2), made(4, seed=3)]
    target, row_weight = made(5, 4, seed=4), made(5, seed=5).abs()
    assert torch.autograd.gradcheck(
        lambda *a: linear_cosine(*a, target=target, row_weight=row_weight, alpha=2.0),
        [leaf.requires_grad_() for leaf in leaves],
    )
