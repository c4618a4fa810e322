"""Terms of CLAM, ACMIL, AEM, DSMIL and DTFD-MIL: loops, known values, what they are at their optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.smooth_svm import smooth_top1_svm
from wsigraph.objectives.terms.attention_diversity import AttentionDiversity, mean_cosine
from wsigraph.objectives.terms.attention_entropy import AttentionEntropy, missing_entropy
from wsigraph.objectives.terms.branch_cross_entropy import BranchCrossEntropy
from wsigraph.objectives.terms.clam_instance import ClamInstance
from wsigraph.testing.slides import make_slides

SIZES = Sizes(in_channels=6, node_channels=6, num_classes=3)


def step_of(sizes, target, *, columns=1, classes=3, **fields):
    """A clean view of some slides with random nodes and attention."""
    slides = make_slides(6, sizes=sizes)
    logits = torch.randn(sum(sizes), columns, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    shares = torch.cat([rows.softmax(0) for rows in slides.bags.split(logits)])
    head = HeadOutput(
        logits=torch.zeros(len(sizes), classes, dtype=torch.float64),
        embedding=torch.zeros(len(sizes), 6, dtype=torch.float64),
        attention=shares,
        attention_logits=logits,
    )
    seen = BagOutput(
        node_embedding=slides.x,
        batch=slides.batch,
        num_graphs=len(sizes),
        adjacency=slides.adjacency,
        heads={"bag": replace(head, **fields)},
    )
    return Step({"clean": seen}, torch.tensor(target), slides.x)


def svm_by_loops(scores, target, tau, alpha):
    total = 0.0
    for j, score in enumerate(scores):
        total += math.exp(((alpha if j != target else 0.0) + score - scores[target]) / tau)
    return tau * math.log(total)


@pytest.mark.parametrize(("tau", "alpha"), [(1.0, 1.0), (0.3, 2.0)])
def test_smooth_svm_equals_loops(tau, alpha):
    scores = torch.randn(20, 4, dtype=torch.float64) * 3
    target = torch.arange(20) % 4
    got = smooth_top1_svm(scores, target, tau=tau, alpha=alpha)
    wanted = [
        svm_by_loops(row, t, tau, alpha) for row, t in zip(scores.tolist(), target.tolist(), strict=True)
    ]
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_smooth_svm_known_values():
    one = lambda scores, **o: smooth_top1_svm(torch.tensor([scores]), torch.tensor([0]), **o).item()  # noqa: E731
    assert one([0.0, 0.0]) == pytest.approx(math.log(1 + math.e))
    assert one([1.0, 0.0]) == pytest.approx(math.log(2))
    assert one([60.0, 0.0]) == 0.0  # its infimum
    assert one([1.0, 0.0], tau=1e-4) == pytest.approx(0.0, abs=1e-4)  # the hard margin of 1, just met
    assert one([0.25, 0.0], tau=1e-4) == pytest.approx(0.75, abs=1e-4)
    assert one([-1e4, 1e4]) == pytest.approx(2e4 + 1)  # nothing overflows


def test_smooth_svm_gradients():
    scores = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: smooth_top1_svm(s, torch.tensor([0, 1, 2, 0, 1])), (scores,))


def clam_by_loops(term, step, k, subtyping):
    seen = step.views["clean"]
    w, b = term.classify.weight.detach().numpy(), term.classify.bias.detach().numpy()
    bags, losses = Bags(seen.batch, seen.num_graphs), []
    attention = seen.heads["bag"].attention
    for h, shares, target in zip(
        bags.split(seen.nodes), bags.split(attention), step.target.tolist(), strict=True
    ):
        nodes, a = h.numpy(), shares.numpy()

        def one(i, c, label, nodes=nodes):
            scores = w[2 * c : 2 * c + 2] @ nodes[i] + b[2 * c : 2 * c + 2]
            return svm_by_loops(scores.tolist(), label, 1.0, 1.0)

        total = 0.0
        for c in range(3):
            order = np.argsort(-a[:, c if a.shape[1] > 1 else 0])
            if c == target:
                few = min(k, len(nodes) // 2)
                each = [one(i, c, 1) for i in order[:few]] + [one(i, c, 0) for i in order[len(order) - few :]]
            elif subtyping:
                each = [one(i, c, 0) for i in order[:k]]
            else:
                continue
            total += np.mean(each) if each else 0.0
        losses.append(total / (3 if subtyping else 1))
    return np.mean(losses)


@pytest.mark.parametrize("subtyping", [False, True])
@pytest.mark.parametrize("columns", [1, 3])
def test_clam_equals_loops(columns, subtyping):
    step = step_of((20, 5, 1, 9), [0, 1, 2, 2], columns=columns)
    term = ClamInstance(SIZES, k=4, subtyping=subtyping).double()
    assert term(step).item() == pytest.approx(clam_by_loops(term, step, 4, subtyping), rel=1e-10)


def test_clam_is_0_where_the_patches_are_told_apart():
    nodes = torch.zeros(8, 6, dtype=torch.float64)
    nodes[:4, 0], nodes[4:, 0] = 1.0, -1.0
    step = step_of((8,), [1], attention=torch.linspace(1, 0, 8, dtype=torch.float64).unsqueeze(1))
    seen = replace(step.views["clean"], node_embedding=nodes)
    term = ClamInstance(SIZES, k=4).double()
    with torch.no_grad():
        term.classify.weight.zero_()
        term.classify.bias.zero_()
        term.classify.weight[2:4, 0] = torch.tensor([-50.0, 50.0])  # class 1: output 0 no, output 1 yes
    assert term(replace(step, views={"clean": seen})).item() == pytest.approx(0.0, abs=1e-12)
    turned = replace(seen, node_embedding=-nodes)
    assert term(replace(step, views={"clean": turned})).item() == pytest.approx(101.0)


def test_clam_takes_no_patch_as_an_example_of_both():
    step = step_of((5,), [0])
    nodes = step.views["clean"].nodes.clone().requires_grad_()
    seen = replace(step.views["clean"], node_embedding=nodes)
    ClamInstance(SIZES, k=8).double()(replace(step, views={"clean": seen})).backward()
    order = seen.heads["bag"].attention[:, 0].argsort()
    touched = (nodes.grad != 0).any(1)
    assert touched[order].tolist() == [True, True, False, True, True]


def test_clam_on_one_patch_costs_nothing_and_can_be_learned_from():
    term = ClamInstance(SIZES).double()
    value = term(step_of((1,), [0]))
    value.backward()
    assert value.item() == 0.0
    assert (term.classify.weight.grad == 0).all()


def test_clam_refuses_attention_of_another_width():
    with pytest.raises(RecipeError, match="expected attention with 1 or 3 columns from head 'bag', got 2"):
        ClamInstance(SIZES).double()(step_of((4,), [0], columns=2))


def test_branches_are_averaged_over_branches_then_slides():
    logits = torch.randn(4, 5, 3, dtype=torch.float64)
    step = step_of((2, 1, 3, 4), [0, 2, 1, 1], extras={"branch_logits": logits})
    wanted = 0.0
    for b, t in enumerate([0, 2, 1, 1]):
        for m in range(5):
            scores = logits[b, m].tolist()
            wanted -= (scores[t] - math.log(sum(map(math.exp, scores)))) / 20
    assert BranchCrossEntropy(SIZES)(step).item() == pytest.approx(wanted, rel=1e-12)


def test_one_branch_without_an_axis_is_cross_entropy():
    logits = torch.randn(2, 3, dtype=torch.float64)
    step = step_of((2, 1), [0, 2], extras={"stream": logits})
    term = BranchCrossEntropy(SIZES, extra="stream", branches=1)
    wanted = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2]))
    assert term(step).item() == pytest.approx(wanted.item(), rel=1e-12)


def test_branches_that_are_sure_and_right_cost_nothing():
    logits = torch.tensor([[[80.0, 0, 0], [0.0, -80, -90]]], dtype=torch.float64)
    step = step_of((2,), [0], extras={"branch_logits": logits})
    assert BranchCrossEntropy(SIZES)(step).item() == pytest.approx(0.0, abs=1e-12)


def test_diversity_equals_loops_over_pairs():
    step = step_of((20, 1, 9), [0, 0, 0], columns=4)
    seen, losses = step.views["clean"], []
    for shares in Bags(seen.batch, 3).split(seen.heads["bag"].attention):
        a = shares.numpy()
        pairs = [(m, n) for m in range(4) for n in range(m + 1, 4)]
        length = [np.sqrt((a[:, m] ** 2).sum()) for m in range(4)]
        losses.append(np.mean([(a[:, m] * a[:, n]).sum() / (length[m] * length[n]) for m, n in pairs]))
    assert AttentionDiversity(SIZES)(step).item() == pytest.approx(np.mean(losses), rel=1e-10)


def test_diversity_known_values():
    apart = torch.block_diag(*[torch.full((3, 1), 1 / 3)] * 4)
    assert mean_cosine(apart).item() == 0.0
    assert mean_cosine(torch.rand(9, 1).expand(9, 5)).item() == pytest.approx(1.0, rel=1e-6)
    assert mean_cosine(torch.rand(9, 1)).item() == 0.0


def test_entropy_equals_loops():
    step = step_of((20, 1, 9), [0, 0, 0], columns=2)
    seen, losses = step.views["clean"], []
    for a in Bags(seen.batch, 3).split(seen.heads["bag"].attention):
        for column in a.T.tolist():
            losses.append(math.log(len(column)) + sum(share * math.log(share) for share in column))
    assert AttentionEntropy(SIZES)(step).item() == pytest.approx(np.mean(losses), rel=1e-10)


def test_entropy_known_values():
    assert missing_entropy(torch.full((50, 1), 3.0)).item() == pytest.approx(0.0, abs=1e-6)
    one = torch.zeros(50, 1)
    one[7] = 1e4
    assert missing_entropy(one).item() == pytest.approx(math.log(50))
    half = torch.full((50, 1), -1e4)
    half[:25] = 0.0
    assert missing_entropy(half).item() == pytest.approx(math.log(2), rel=1e-6)


def test_entropy_has_the_gradient_of_the_negative_entropy():
    logits = torch.randn(9, 1, dtype=torch.float64, requires_grad=True)
    (mine,) = torch.autograd.grad(missing_entropy(logits), logits)
    share = logits.softmax(0)
    (plain,) = torch.autograd.grad((share * share.log()).sum(), logits)
    torch.testing.assert_close(mine, plain, rtol=0, atol=1e-14)
    assert torch.autograd.gradcheck(missing_entropy, (logits,))


def test_entropy_of_patches_hidden_from_attention_is_finite():
    logits = torch.randn(9, 1, requires_grad=True)
    hidden = logits.masked_fill(torch.arange(9).unsqueeze(1) < 4, torch.finfo(torch.float32).min)
    value = missing_entropy(hidden)
    (grad,) = torch.autograd.grad(value, logits)
    assert torch.isfinite(value)
    assert torch.isfinite(grad).all()
    assert value.item() > math.log(9 / 5)  # 5 patches cannot spread over 9
