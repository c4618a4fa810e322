"""DTFD-MIL against loops: pseudo-bags, probabilities from Grad-CAM, both distillations, two tiers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError
from wsigraph.nn.heads.dtfd import DTFD
from wsigraph.nn.layers.pseudo_bags import deal
from wsigraph.testing import check_head
from wsigraph.testing.slides import make_slides

DISTIL = ["maxmins", "afs"]


def head_of(distil, classes=3, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return DTFD(6, classes, distil=distil, hidden_channels=5, **options).double().eval()


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def scores_of(layer, x):
    (v, bv), (u, bu), (w, bw) = map(weights, (layer.value, layer.gate, layer.score))
    return np.array([(w @ (np.tanh(v @ r + bv) / (1 + np.exp(-(u @ r + bu)))) + bw)[0] for r in x])


def softmax(values):
    return np.exp(values) / np.exp(values).sum()


def by_loops(head, x, *, parts, instances):
    """Logits, embedding, attention, node logits and the logits of pseudo-bags of one slide."""
    (w, b), (w2, b2) = weights(head.first_classify), weights(head.classify)
    scores = scores_of(head.first_scores, x)
    ranked = np.argsort(-scores)
    node_logits, pseudo, rows, made_of = np.zeros((len(x), len(b))), [], [], []
    for m in range(min(parts, len(x))):
        mine = ranked[m::parts]
        a = softmax(scores[mine])
        z = sum(share * x[i] for share, i in zip(a, mine, strict=True))
        pseudo.append(w @ z + b)
        for share, i in zip(a, mine, strict=True):
            node_logits[i] = share * (w @ x[i])
        if head.distil.__name__ == "aggregated_features":
            rows.append(z)
            made_of.append(dict(zip(mine.tolist(), a, strict=True)))
            continue
        given = int(np.argmax(pseudo[-1]))
        probability = np.array([softmax(node_logits[i])[given] for i in mine])
        order = mine[np.argsort(-probability)]
        for i in [*order[:instances], *order[-instances:]]:
            rows.append(x[i])
            made_of.append({int(i): 1.0})
    weight = softmax(scores_of(head.second_scores, np.stack(rows)))
    pooled = sum(share * row for share, row in zip(weight, rows, strict=True))
    attention = np.zeros(len(x))
    for share, patches in zip(weight, made_of, strict=True):
        for i, part in patches.items():
            attention[i] += share * part
    repeated = [pseudo[m % len(pseudo)] for m in range(parts)]
    return w2 @ pooled + b2, pooled, attention, node_logits, repeated


@pytest.mark.parametrize("instances", [1, 2])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("distil", DISTIL)
def test_equals_loops(distil, classes, instances):
    slides = make_slides(6, sizes=(13, 1, 8, 2, 4))
    head = head_of(distil, classes, pseudo_bags=3, instances=instances)
    out = head(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        rows = slides.rows(slide)
        wanted = by_loops(head, slides.x[rows].numpy(), parts=3, instances=instances)
        got = (
            out.logits[slide],
            out.embedding[slide],
            out.attention[rows, 0],
            out.node_logits[rows],
            out.extras["pseudo_logits"][slide],
        )
        for mine, theirs in zip(got, wanted, strict=True):
            np.testing.assert_allclose(mine.detach(), theirs, atol=1e-10)


def test_node_logits_are_grad_cam_of_the_pseudo_bag():
    """Strength of a patch: the mean gradient of the class score, times a_k K h_k, whose mean is scored."""
    slides, head = make_slides(6, sizes=(9,)), head_of("afs", pseudo_bags=1)
    first = head.first_tier(slides.x, slides.bags)
    size = len(slides.x)
    spread = (
        (first.attention.unsqueeze(1) * size * slides.x).detach().requires_grad_()
    )  # [K patches, channels]
    score = head.first_classify(spread.mean(0))
    for c in range(3):
        (slope,) = torch.autograd.grad(score[c], spread, retain_graph=True)
        strength = spread.detach() @ slope.mean(0)  # slope is 1 / K of the weights: K cancels
        torch.testing.assert_close(first.node_logits[:, c].detach(), strength, rtol=0, atol=1e-10)


def test_node_logits_and_bias_sum_to_the_logits_of_the_pseudo_bags():
    slides, head = make_slides(6), head_of("maxmins", pseudo_bags=2)
    first = head.first_tier(slides.x, slides.bags)
    summed = first.bags.sum(first.node_logits) + head.first_classify.bias
    torch.testing.assert_close(summed, first.logits, rtol=0, atol=1e-10)


def test_with_two_classes_it_makes_no_difference_by_which_patches_are_ranked():
    slides, head = make_slides(6, sizes=(30,)), head_of("maxmins", 2, pseudo_bags=4)
    first = head.first_tier(slides.x, slides.bags)
    chosen = head.distil(first, instances=1)
    last = first.node_logits.softmax(1)[:, -1]  # what the authors' code ranks by
    for m in range(4):
        mine = (first.bags.part == m).nonzero()[:, 0]
        wanted = {mine[last[mine].argmax()].item(), mine[last[mine].argmin()].item()}
        assert set(chosen.node[[2 * m, 2 * m + 1]].tolist()) == wanted


def test_maxmins_reads_two_patches_of_each_pseudo_bag_and_not_all():
    slides, head = make_slides(6, sizes=(30,)), head_of("maxmins", pseudo_bags=4)
    x = slides.x.clone().requires_grad_()
    out = head(x, slides.bags)
    assert int((out.attention > 0).sum()) == 8
    (grad,) = torch.autograd.grad(out.logits.square().sum(), x)
    assert torch.equal((grad != 0).any(1), out.attention[:, 0] > 0)


def test_a_patch_that_is_all_of_its_pseudo_bag_is_highest_and_lowest_of_it():
    slides, head = make_slides(6, sizes=(1,)), head_of("maxmins", pseudo_bags=4)
    out = head(slides.x, slides.bags)
    torch.testing.assert_close(out.embedding, slides.x)
    assert out.attention.item() == pytest.approx(1.0)


def test_pseudo_bags_differ_by_one_patch_at_most_and_are_drawn_anew_in_training():
    slides, head = make_slides(6, sizes=(23, 7)), head_of("afs", pseudo_bags=5).train()
    torch.manual_seed(0)
    drawn = [head.first_tier(slides.x, slides.bags).bags for _ in range(2)]
    for bags in drawn:
        assert bags.counts.view(2, 5).sort(1).values.tolist() == [[4, 4, 5, 5, 5], [1, 1, 1, 2, 2]]
        assert torch.equal(bags.part // 5, slides.batch)
    assert not torch.equal(drawn[0].part, drawn[1].part)


def test_every_pseudo_bag_is_as_likely_as_any_other_for_a_patch():
    torch.manual_seed(0)
    bags = Bags.of_sizes([10])
    often = torch.zeros(10, 5)
    for _ in range(2000):
        part = deal(torch.rand(10), bags, parts=5).part
        often[torch.arange(10), part] += 1 / 2000
    assert (often - 0.2).abs().max() < 0.04  # 4.5 standard deviations of 2000 draws


@pytest.mark.parametrize("distil", DISTIL)
def test_each_tier_learns_from_its_own_term_alone(distil):
    slides, head = make_slides(6), head_of(distil).train()
    x = slides.x.clone().requires_grad_()
    out = head(x, slides.bags)
    first = {n: p for n, p in head.named_parameters() if n.startswith("first")}
    second = {n: p for n, p in head.named_parameters() if not n.startswith("first")}
    for value, learns, rests in (
        (out.logits, second, {"x": x, **first}),
        (out.extras["pseudo_logits"], {"x": x, **first}, second),
    ):
        for named, has in ((learns, True), (rests, False)):
            grads = torch.autograd.grad(value.sum(), named.values(), retain_graph=True, allow_unused=True)
            assert {name: grad is not None for name, grad in zip(named, grads, strict=True)} == dict.fromkeys(
                named, has
            )


@pytest.mark.parametrize("distil", DISTIL)
def test_nothing_is_drawn_in_evaluation(distil):
    slides, head = make_slides(6), head_of(distil)
    before = torch.get_rng_state()
    head(slides.x, slides.bags)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("instances", [1, 3])
@pytest.mark.parametrize("distil", DISTIL)
def test_meets_the_kit(distil, instances):
    check_head(lambda width, classes: DTFD(width, classes, distil=distil, pseudo_bags=3, instances=instances))


def test_an_unknown_distillation_is_refused():
    with pytest.raises(RecipeError, match=r"Head 'dtfd': expected a distillation of \['afs', 'maxmins'\]"):
        DTFD(6, 2, distil="maxs")
