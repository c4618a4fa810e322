"""Contrast of patches in two views against loops, at known values, and blind where it must be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.objectives.patch_contrast import UNCERTAIN, patch_contrast


def by_loops(first, second, labels, temperature):
    """The equation, term by term."""
    z = [row / np.linalg.norm(row) for row in (*first.numpy(), *second.numpy())]
    known = [*labels, *labels]
    views = [i for i in range(len(z)) if known[i] >= 0]
    total = 0.0
    for a in views:
        pulled = [p for p in views if p != a and known[p] == known[a]]
        below = sum(math.exp(z[a] @ z[k] / temperature) for k in views if k != a)
        total += -sum(math.log(math.exp(z[a] @ z[p] / temperature) / below) for p in pulled) / len(pulled)
    return total / len(views)


def drawn(n, c=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(n, c, generator=generator, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [0, 1, 2, 2, -1, 1, -1], [1, -1], [0, 0, 0], [3, 1]])
def test_it_is_the_equation(labels, temperature):
    first, second = drawn(len(labels), seed=len(labels))
    got = patch_contrast(first, second, labels=torch.tensor(labels), temperature=temperature).item()
    assert got == pytest.approx(by_loops(first, second, labels, temperature), rel=1e-12)


def test_the_two_views_of_a_single_patch_find_each_other():
    first, second = drawn(1)
    assert patch_contrast(first, second, labels=torch.tensor([1])).item() == 0.0


@pytest.mark.parametrize(("one", "other"), [(3, 5), (1, 1), (2, 1)])
@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_two_classes_at_opposite_poles_reach_the_known_least_value(one, other, tau):
    """Each anchor sees 2n - 1 views at cosine 1 and 2m at cosine -1."""
    pole = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    views = torch.cat([pole.repeat(one, 1), -2 * pole.repeat(other, 1)])
    labels = torch.tensor([0] * one + [1] * other)
    per_anchor = [math.log(2 * n - 1 + 2 * m * math.exp(-2 / tau)) for n, m in ((one, other), (other, one))]
    wanted = (one * per_anchor[0] + other * per_anchor[1]) / (one + other)
    assert patch_contrast(views, views, labels=labels, temperature=tau).item() == pytest.approx(wanted)
    for first, second in (list(drawn(one + other, c=2, seed=s)) for s in range(20)):
        assert patch_contrast(first, second, labels=labels, temperature=tau).item() > wanted - 1e-12


def test_views_that_are_all_alike_give_the_log_of_their_number():
    same = torch.ones(4, 3, dtype=torch.float64)
    assert patch_contrast(same, same, labels=torch.tensor([0, 1, 2, 3])).item() == pytest.approx(math.log(7))


def test_uncertain_patches_neither_count_nor_feel_anything():
    labels = torch.tensor([0, UNCERTAIN, 1, 1, UNCERTAIN])
    first, second = drawn(5)
    first.requires_grad_()
    value = patch_contrast(first, second, labels=labels)
    value.backward()
    assert (first.grad[labels < 0] == 0).all()
    assert (first.grad[labels >= 0].abs().sum(1) > 1e-6).all()
    told = labels >= 0
    alone = patch_contrast(first[told].detach(), second[told], labels=labels[told])
    assert value.item() == alone.item()
    moved = torch.where(told.unsqueeze(1), first, 100 * first - 7)
    assert patch_contrast(moved, second, labels=labels).item() == value.item()


def test_with_nobody_certain_it_is_zero_with_a_zero_gradient():
    first, second = drawn(3)
    first.requires_grad_()
    value = patch_contrast(first, second, labels=torch.full((3,), UNCERTAIN))
    value.backward()
    assert value.item() == 0.0
    assert (first.grad == 0).all()


def test_length_order_side_and_names_of_classes_do_not_matter():
    labels = torch.tensor([0, 1, 1, -1, 0])
    first, second = drawn(5)
    value = patch_contrast(first, second, labels=labels).item()
    order = torch.tensor([4, 2, 0, 1, 3])
    scale = torch.tensor([[0.1], [2.0], [7.0], [1.0], [30.0]], dtype=torch.float64)
    for other in (
        patch_contrast(scale * first, second, labels=labels),
        patch_contrast(second, first, labels=labels),
        patch_contrast(first[order], second[order], labels=labels[order]),
        patch_contrast(first, second, labels=torch.where(labels >= 0, 9 - labels, labels)),
    ):
        assert other.item() == pytest.approx(value, rel=1e-12)


def test_gradients_are_those_of_the_loss():
    first, second = (views.requires_grad_() for views in drawn(4))
    labels = torch.tensor([0, 1, 0, -1])
    assert torch.autograd.gradcheck(lambda a, b: patch_contrast(a, b, labels=labels), (first, second))


def test_descent_separates_the_classes():
    first, _ = drawn(8, c=3, seed=2)
    labels = torch.arange(8) % 2
    first.requires_grad_()
    optimiser = torch.optim.Adam([first], lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        patch_contrast(first, first, labels=labels, temperature=1.0).backward()
        optimiser.step()
    z = torch.nn.functional.normalize(first.detach(), dim=1)
    cosine, alike = z @ z.T, labels.unsqueeze(1) == labels
    assert cosine[alike].min() > 0.99
    assert cosine[~alike].max() < -0.8


def test_mixed_precision_costs_no_digits():
    labels = torch.tensor([0, 1, 1, 0])
    first, second = (views.float() for views in drawn(4))
    plain = patch_contrast(first, second, labels=labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert patch_contrast(first, second, labels=labels).item() == plain.item()
    half = patch_contrast(first.bfloat16(), second.bfloat16(), labels=labels)
    assert half.dtype == torch.float32


@pytest.mark.parametrize(("rows", "labels", "tau"), [(2, 3, 0.07), (3, 2, 0.07), (3, 3, 0.0)])
def test_what_does_not_fit_is_refused(rows, labels, tau):
    with pytest.raises(RecipeError, match=r"Patch contrast: expected views \[N, C\]"):
        patch_contrast(
            torch.ones(rows, 4), torch.ones(3, 4), labels=torch.zeros(labels).long(), temperature=tau
        )
