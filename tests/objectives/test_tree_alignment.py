"""Alignment through the tree: optima, known values, loops, and slides that differ in size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.objectives.bag_alignment import BAG_ALIGNMENTS, bag_alignment, bag_alignment_code
from wsigraph.objectives.instance_alignment import instance_alignment

M = torch.from_numpy(ready_tree("bracs").membership())
PARENT = ready_tree("bracs").ancestors()
BATCH = torch.tensor([0] * 5 + [1] + [2] * 14)


def attention(columns, seed, batch=BATCH, *, scale=1.0):
    """Softmax over the patches of each slide, one column per class."""
    logits = scale * torch.randn(
        len(batch), columns, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    weight = logits.exp()
    total = torch.zeros(int(batch.max()) + 1, columns, dtype=torch.float64).index_add(0, batch, weight)
    return weight / total[batch]


def align(coarse, fine, batch=BATCH):
    return instance_alignment(
        coarse, fine, membership=M.to(fine.dtype), batch=batch, num_graphs=int(batch.max()) + 1
    )


def test_instance_alignment_equals_loops():
    coarse, fine = attention(3, 0), attention(7, 1)
    slides = []
    for b in range(3):
        errors = []
        for n in np.flatnonzero(BATCH.numpy() == b):
            summed = [sum(fine[n, f].item() for f in range(7) if PARENT[f] == c) for c in range(3)]
            own = coarse[n].numpy()
            errors.append(1 - np.dot(own, summed) / np.linalg.norm(own) / np.linalg.norm(summed))
        slides.append(np.mean(errors))
    assert align(coarse, fine).item() == pytest.approx(np.mean(slides), rel=1e-12)


def test_instance_alignment_is_zero_where_the_summed_rows_are_proportional():
    fine = attention(7, 2)
    size = torch.rand(20, 1, dtype=torch.float64) + 0.1
    assert align(size * (fine @ M), fine).item() == pytest.approx(0.0, abs=1e-15)


def test_instance_alignment_of_attention_under_other_parents_is_one():
    coarse = torch.zeros(20, 3, dtype=torch.float64)
    coarse[:, 0] = 0.5
    fine = torch.zeros(20, 7, dtype=torch.float64)
    fine[:, 3:] = 0.1
    assert align(coarse, fine).item() == pytest.approx(1.0, abs=1e-15)


def test_each_slide_counts_once():
    coarse, fine = attention(3, 3), attention(7, 4)
    alone = [
        align(coarse[b == BATCH], fine[b == BATCH], torch.zeros(int((b == BATCH).sum()), dtype=torch.long))
        for b in range(3)
    ]
    assert align(coarse, fine).item() == pytest.approx(sum(alone).item() / 3, rel=1e-12)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_tiny_attention_counts_as_much_as_large(kind):
    """In a slide of 100,000 patches attention is near 1e-5, and far below where it is sharp."""
    coarse, fine = attention(3, 5), attention(7, 6)
    wanted = align(coarse, fine).item()
    found = align((coarse * 1e-30).to(kind), (fine * 1e-20).to(kind)).item()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_patches_without_any_attention_are_left_out_and_give_no_nan():
    coarse, fine = attention(3, 7), attention(7, 8)
    batch = torch.zeros(20, dtype=torch.long)
    kept = align(coarse[2:], fine[2:], batch[2:]).item()
    coarse[0], fine[1] = 0.0, 0.0
    coarse.requires_grad_()
    fine.requires_grad_()
    found = align(coarse, fine, batch)
    assert found.item() == pytest.approx(kept, rel=1e-12)
    found.backward()
    assert torch.isfinite(coarse.grad).all()
    assert torch.isfinite(fine.grad).all()
    nothing = torch.zeros(4, 3, dtype=torch.float64)
    assert align(nothing, attention(7, 8, batch[:4]), batch[:4]).item() == 0.0


def test_instance_alignment_gradients():
    coarse = attention(3, 9).requires_grad_()
    fine = attention(7, 10).requires_grad_()
    assert torch.autograd.gradcheck(align, (coarse, fine), eps=1e-7)


def test_instance_alignment_keeps_its_digits_under_autocast():
    coarse, fine = attention(3, 11).float(), attention(7, 12).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = align(coarse, fine).item()
    assert near == pytest.approx(align(coarse.double(), fine.double()).item(), rel=1e-5)


def logits_of(p):
    return torch.tensor(p, dtype=torch.float64).log()


def test_bag_alignment_equals_loops():
    logits = torch.randn(6, 7, dtype=torch.float64)
    target = [0, 1, 2, 2, 1, 0]
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    summed = np.array([[sum(row[f] for f in range(7) if PARENT[f] == c) for c in range(3)] for row in p])
    paper = -np.mean([math.log(summed[b, t]) for b, t in enumerate(target)])
    code = -np.mean(
        [math.log(math.exp(summed[b, t]) / np.exp(summed[b]).sum()) for b, t in enumerate(target)]
    )
    found = {n: f(logits, torch.tensor(target), membership=M).item() for n, f in BAG_ALIGNMENTS.items()}
    assert found == {"paper": pytest.approx(paper, rel=1e-12), "code": pytest.approx(code, rel=1e-12)}


@pytest.mark.parametrize("inside", [[1.0, 0, 0, 0, 0, 0, 0], [0.2, 0.5, 0.3, 0, 0, 0, 0]])
def test_bag_alignment_at_its_optimum(inside):
    """All probability under the true coarse class, on one fine class or divided: 0, and the code's .5514."""
    target = torch.tensor([0])
    assert bag_alignment(logits_of([inside]), target, membership=M).item() == pytest.approx(0.0, abs=1e-15)
    code = bag_alignment_code(logits_of([inside]), target, membership=M).item()
    assert code == pytest.approx(0.5514, abs=5e-5)
    assert code == pytest.approx(math.log(1 + 2 / math.e), rel=1e-12)


def test_bag_alignment_of_ignorance():
    value = bag_alignment(torch.zeros(3, 7, dtype=torch.float64), torch.tensor([0, 1, 2]), membership=M)
    assert value.item() == pytest.approx(-(math.log(3 / 7) + 2 * math.log(2 / 7)) / 3, rel=1e-12)


def test_bag_alignment_is_finite_where_probabilities_round_to_zero():
    logits = torch.tensor([[300.0, 0, 0, 0, 0, 0, 0]], requires_grad=True)
    value = bag_alignment(logits, torch.tensor([2]), membership=M)
    value.backward()
    assert value.item() == pytest.approx(300 - math.log(2), rel=1e-6)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("form", list(BAG_ALIGNMENTS))
def test_slides_of_unknown_coarse_class_do_not_count(form):
    logits = torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    term = BAG_ALIGNMENTS[form]
    some = term(logits, torch.tensor([1, -1, 2, -1]), membership=M)
    kept = term(logits[[0, 2]], torch.tensor([1, 2]), membership=M)
    assert some.item() == pytest.approx(kept.item(), rel=1e-12)
    nothing = term(logits, torch.full((4,), -1), membership=M)
    nothing.backward()
    assert nothing.item() == 0.0
    assert not logits.grad.any()


@pytest.mark.parametrize("form", list(BAG_ALIGNMENTS))
def test_bag_alignment_gradients(form):
    logits = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 1, -1, 2, 2])
    assert torch.autograd.gradcheck(lambda z: BAG_ALIGNMENTS[form](z, target, membership=M), (logits,))


def test_bag_alignment_lowers_only_by_moving_mass_to_the_true_parent():
    logits = torch.zeros(1, 7, dtype=torch.float64, requires_grad=True)
    bag_alignment(logits, torch.tensor([1]), membership=M).backward()
    assert (logits.grad[0, 3:5] < 0).all()
    assert (logits.grad[0, [0, 1, 2, 5, 6]] > 0).all()
