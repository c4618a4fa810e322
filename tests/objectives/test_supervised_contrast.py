"""Supervised contrast: loops, its least value, memory, weights, and slides of unknown class."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.objectives.supervised_contrast import Remembered, supervised_contrast


def draw(rows, *, seed=0, channels=5, classes=3):
    noise = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (rows,), generator=noise)
    return torch.randn(rows, channels, dtype=torch.float64, generator=noise), labels


def loops(embedding, labels, *, tau=0.1, memory=None, anchors=None, entries=None):
    """The loss as it is written down, slide by slide."""
    rows = [
        (z / np.linalg.norm(z), int(t), i) for i, (z, t) in enumerate(zip(embedding, labels, strict=True))
    ]
    old = [] if memory is None else list(zip(*memory, strict=True))
    keys = rows + [(z / np.linalg.norm(z), int(t), None) for z, t in old]
    total = weights = 0.0
    for z, t, i in rows:
        others = [(k, s) for k, s, j in keys if j != i and s >= 0]
        positives = [k for k, s in others if s == t]
        if t < 0 or not positives:
            continue
        below = sum((1 if entries is None else entries[s]) * math.exp(z @ k / tau) for k, s in others)
        each = -np.mean([math.log(math.exp(z @ k / tau) / below) for k in positives])
        weight = 1 if anchors is None else anchors[t]
        total, weights = total + weight * each, weights + weight
    return total / weights


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_it_equals_loops(tau):
    z, labels = draw(12, seed=1)
    assert supervised_contrast(z, labels, temperature=tau).item() == pytest.approx(
        loops(z.numpy(), labels, tau=tau), rel=1e-12
    )


def test_memory_weights_and_unknown_classes_equal_loops():
    z, labels = draw(10, seed=2)
    labels[3] = -1
    old, old_labels = draw(20, seed=3)
    old_labels[::4] = -1
    anchors, entries = [0.2, 1.0, 3.0], [2.0, 0.5, 1.0]
    found = supervised_contrast(
        z,
        labels,
        memory=Remembered(old, old_labels),
        anchor_weights=torch.tensor(anchors),
        entry_weights=torch.tensor(entries),
    ).item()
    memory = (old.numpy(), old_labels)
    wanted = loops(z.numpy(), labels, memory=memory, anchors=anchors, entries=entries)
    assert found == pytest.approx(wanted, rel=1e-6)


def simplex(classes):
    """``[classes, classes]`` unit vectors, any two at the cosine -1 / (classes - 1)."""
    return torch.nn.functional.normalize(torch.eye(classes, dtype=torch.float64) - 1 / classes, dim=1)


@pytest.mark.parametrize(("classes", "each"), [(2, 2), (3, 4), (7, 3)])
def test_least_value_is_reached_by_a_simplex_of_points(classes, each):
    labels = torch.arange(classes).repeat_interleave(each)
    z = simplex(classes)[labels]
    known = math.log(each - 1 + (classes - 1) * each * math.exp(-classes / ((classes - 1) * 0.1)))
    assert supervised_contrast(z, labels).item() == pytest.approx(known, abs=1e-12)
    noise = torch.Generator().manual_seed(0)
    for size in (1e-3, 0.1, 1.0):
        moved = z + size * torch.randn(z.shape, dtype=torch.float64, generator=noise)
        assert supervised_contrast(moved, labels).item() > known


def test_descent_reaches_the_least_value():
    labels = torch.arange(3).repeat_interleave(4)
    z = torch.randn(
        12, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True
    )
    optimiser = torch.optim.Adam([z], lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        value = supervised_contrast(z, labels, temperature=0.5)
        value.backward()
        optimiser.step()
    assert value.item() == pytest.approx(math.log(3 + 8 * math.exp(-1.5 / 0.5)), abs=1e-3)


def test_length_of_the_vectors_does_not_matter():
    z, labels = draw(9, seed=4)
    scale = torch.rand(9, 1, dtype=torch.float64) * 10 + 0.1
    assert supervised_contrast(z * scale, labels).item() == pytest.approx(
        supervised_contrast(z, labels).item(), rel=1e-12
    )


@pytest.mark.parametrize("labels", [[0], [0, 1, 2], [-1, -1, -1], [0, -1, 1]])
def test_without_a_positive_there_is_nothing_to_do(labels):
    z = torch.randn(len(labels), 4, requires_grad=True)
    value = supervised_contrast(z, torch.tensor(labels))
    value.backward()
    assert value.item() == 0.0
    assert not z.grad.any()


def test_a_lone_slide_finds_its_positives_in_memory():
    z = torch.tensor([[1.0, 0.0]], requires_grad=True)
    memory = Remembered(torch.tensor([[2.0, 0.0], [0.0, 1.0]], requires_grad=True), torch.tensor([0, 1]))
    value = supervised_contrast(z, torch.tensor([0]), temperature=1.0, memory=memory)
    assert value.item() == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-6)
    value.backward()
    assert z.grad[0, 1] > 0  # away from the other class
    assert memory.embedding.grad is None


def test_balanced_anchors_let_a_rare_class_count_as_much():
    """Nine slides in one point against two apart: the mean of the two classes' own means."""
    z, labels = draw(11, seed=5)
    labels[:9], labels[9:] = 0, 1
    weights = 1.0 / torch.bincount(labels)
    each = [
        loops(z.numpy(), labels, anchors=[1.0, 0.0]),
        loops(z.numpy(), labels, anchors=[0.0, 1.0]),
    ]
    found = supervised_contrast(z, labels, anchor_weights=weights).item()
    assert found == pytest.approx(np.mean(each), rel=1e-6)
    assert abs(each[0] - each[1]) > 0.1


def test_an_entry_of_weight_two_pushes_like_two():
    z, labels = draw(8, seed=6)
    labels[:] = torch.tensor([0, 0, 0, 1, 0, 0, 1, 1])
    alone, twice = (Remembered(z[3:4].repeat(n, 1), torch.full((n,), 2)) for n in (1, 2))
    doubled = supervised_contrast(
        z, labels, memory=alone, entry_weights=torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
    )
    assert doubled.item() == pytest.approx(supervised_contrast(z, labels, memory=twice).item(), rel=1e-12)


def test_gradients():
    z, labels = draw(8, seed=7)
    labels[2] = -1
    old, old_labels = draw(5, seed=8)
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)

    def loss(rows):
        return supervised_contrast(
            rows,
            labels,
            temperature=0.3,
            memory=Remembered(old, old_labels),
            anchor_weights=weights,
            entry_weights=weights,
        )

    assert torch.autograd.gradcheck(loss, (z.requires_grad_(),))


def test_it_keeps_its_digits_under_autocast_and_takes_half():
    z, labels = draw(12, seed=9)
    wanted = supervised_contrast(z.float(), labels).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert supervised_contrast(z.float(), labels).item() == wanted
        half = supervised_contrast(z.bfloat16(), labels)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(wanted, rel=0.05)
