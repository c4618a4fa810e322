"""The terms of mining: which patches they rank, whom they reach, and what they cannot work with."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.data.label_tree import LabelTree
from wsigraph.errors import CohortError, RecipeError
from wsigraph.nn.heads.dsmil import DSMIL
from wsigraph.objectives.base import Objective, Sizes, Step
from wsigraph.objectives.terms.branch_cross_entropy import BranchCrossEntropy
from wsigraph.objectives.terms.max_instance import MaxInstance
from wsigraph.objectives.terms.ranking import Ranking
from wsigraph.testing import check_head, check_objective
from wsigraph.testing.objectives import example_step
from wsigraph.testing.slides import make_slides

SIZES = (12, 5, 1)


def step_of(node_logits, target, sizes=SIZES):
    """A step with these patch scores."""
    term = Ranking(Sizes(6, 8, node_logits.shape[1]))
    made = example_step(term, Sizes(6, 8, node_logits.shape[1]), make_slides(6, sizes=sizes))
    head = replace(made.views["clean"].head("bag"), node_logits=node_logits)
    return Step({"clean": replace(made.views["clean"], heads={"bag": head})}, target, made.inputs)


def scores(classes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(sum(SIZES), classes, generator=generator, dtype=torch.float64)


def softmax(row):
    e = np.exp(row - row.max())
    return e / e.sum()


@pytest.mark.parametrize(("odds", "background"), [("softmax", None), ("softmax", 1), ("each", None)])
def test_ranking_of_several_classes_is_the_mean_over_those_a_step_can_rank(odds, background):
    y, target = scores(4), [2, 0, 2]
    rows = np.split(y.numpy(), np.cumsum(SIZES)[:-1])
    gaps = []
    for c in (0, 2):  # of 1 and 3 the step holds no slide
        p = [[softmax(r)[c] if odds == "softmax" else 1 / (1 + np.exp(-r[c])) for r in mine] for mine in rows]
        best = [np.mean(sorted(mine)[::-1][:3]) for mine in p]
        pairs = [(a, b) for a in range(3) for b in range(3) if target[a] == c != target[b]]
        gaps.append(np.mean([max(0, 1 - best[a] + best[b]) for a, b in pairs]))
    term = Ranking(Sizes(6, 8, 4), background=background, odds=odds, k=3)
    got = term(step_of(y, torch.tensor(target))).item()
    assert got == pytest.approx(np.mean(gaps), rel=1e-12)


def test_the_background_is_not_ranked_and_no_patch_answers_for_it():
    y, target = scores(3), torch.tensor([0, 1, 1])
    every, but_first = (Ranking(Sizes(6, 8, 3), background=b)(step_of(y, target)) for b in (None, 0))
    assert every.item() != pytest.approx(but_first.item())
    sure = torch.zeros(sum(SIZES), 2).double()
    sure[:, 1] = -1e3
    sure[[13, 17], 1] = 1e3  # one patch of each slide of class 1 says so
    assert MaxInstance(Sizes(6, 8, 2))(step_of(sure, target)).item() == 0.0
    forbids = MaxInstance(Sizes(6, 8, 2), background=None)(step_of(sure, target)).item()
    assert forbids > 100  # normal patches of a tumour slide would have to look like tumour


def test_of_two_classes_it_is_the_instance_stream_of_a_dsmil_head_with_a_background():
    slides, head = make_slides(6), DSMIL(6, 2, query_channels=4, background=0).double().eval()
    out, target = head(slides.x, slides.bags), torch.tensor([0, 1, 1, 0])
    made = example_step(MaxInstance(Sizes(6, 8, 2)), Sizes(6, 8, 2), slides)
    step = Step({"clean": replace(made.views["clean"], heads={"bag": out})}, target, made.inputs)
    own = MaxInstance(Sizes(6, 8, 2))(step)
    stream = BranchCrossEntropy(Sizes(6, 8, 2), extra="instance_stream", branches=1)(step)
    torch.testing.assert_close(own, stream, rtol=1e-12, atol=0)


def test_a_head_with_a_background_meets_the_kit_and_scores_it_zero():
    check_head(partial(DSMIL, query_channels=4, background=1))
    slides, head = make_slides(6), DSMIL(6, 3, query_channels=4, background=1).double().eval()
    out = head(slides.x, slides.bags)
    assert (out.node_logits[:, 1] == 0).all()
    assert (out.extras["instance_stream"][:, 1] == 0).all()
    assert out.attention.shape == (18, 2)
    plain = DSMIL(6, 2, query_channels=4).double().eval()  # the same weights, no background
    plain.load_state_dict(
        {**head.state_dict(), **{f"classify.{k}": v for k, v in plain.classify.state_dict().items()}}
    )
    other = plain(slides.x, slides.bags)
    torch.testing.assert_close(other.node_logits, out.node_logits[:, [0, 2]], rtol=0, atol=0)
    torch.testing.assert_close(other.attention, out.attention, rtol=0, atol=0)
    with pytest.raises(RecipeError, match="DSMIL: expected a background among at least 2 classes, got"):
        DSMIL(6, 2, background=2)
    assert head(slides.x[:1], Bags.of_sizes([1])).logits.isfinite().all()


def test_few_patches_all_speak_and_one_patch_is_enough():
    y = scores(2)
    target = torch.tensor([1, 0, 0])
    many = Ranking(Sizes(6, 8, 2), k=10_000)(step_of(y, target)).item()
    p = 1 / (1 + np.exp(-(y[:, 1] - y[:, 0]).numpy()))
    means = [part.mean() for part in np.split(p, np.cumsum(SIZES)[:-1])]
    assert many == pytest.approx(np.mean([max(0, 1 - means[0] + m) for m in means[1:]]), rel=1e-12)


def test_a_step_of_one_kind_teaches_nothing_and_is_not_nan():
    y = scores(2).requires_grad_()
    value = Ranking(Sizes(6, 8, 2))(step_of(y, torch.tensor([1, 1, 1])))
    value.backward()
    assert value.item() == 0.0
    assert (y.grad == 0).all()


def test_one_class_or_nothing_to_rank_is_refused_before_training():
    term = Ranking(Sizes(6, 8, 2))
    what = (
        r"training slides of a class of \[1\] and slides that are not of it, got 3 slides, of classes \[1\]"
    )
    with pytest.raises(CohortError, match=what):
        term.see(torch.tensor([1, 1, 1]))
    with pytest.raises(CohortError, match=r"of classes \[0\]"):
        term.see(torch.tensor([0, 0]))
    term.see(torch.tensor([0, 1]))
    # two classes, but the only one that shows is everywhere or nowhere
    with pytest.raises(CohortError, match=r"a class of \[1, 2\]"):
        Ranking(Sizes(6, 8, 3), background=0).see(torch.tensor([0, 0, 0]))


TREE = LabelTree(("group", "class"), (("g0", "g1"), ("a", "b", "c")), ((0, 1, 1),))


@pytest.mark.parametrize("term", [Ranking, MaxInstance])
def test_labels_of_a_tree_are_read_at_the_heads_level_and_unknown_ones_count_nothing(term):
    sizes = Sizes(6, 8, 3, tree=TREE, levels={"bag": 0})
    y, known = scores(2), torch.tensor([[1.0, -1.0], [0.0, 0.0], [-1.0, -1.0]])
    got = term(sizes, background=None)(step_of(y, known))
    first = step_of(y[:17], torch.tensor([1, 0]), sizes=SIZES[:2])
    wanted = term(Sizes(6, 8, 2), background=None)(first)
    share = 2 / 3 if term is MaxInstance else 1.0  # a mean over all slides of the step, unknown ones 0
    assert got.item() == pytest.approx(wanted.item() * share, rel=1e-12)
    nothing = term(sizes, background=None)(step_of(y, torch.full((3, 2), -1.0)))
    assert nothing.item() == 0.0


@pytest.mark.parametrize("name", ["ranking", "max_instance"])
@pytest.mark.parametrize("options", [{"odds": "each"}, {"background": None}, {"background": 1}])
def test_every_form_meets_the_kit(name, options):
    term = Objective.registry.get(name)
    check_objective(partial(term, **options), per_slide=term.per_slide)


def test_what_cannot_be_is_refused():
    with pytest.raises(RecipeError, match="Term 'ranking': expected k of at least 1, got 0"):
        Ranking(Sizes(6, 8, 2), k=0)
    with pytest.raises(RecipeError, match="'probabilities' or 'logits', got 'odds'"):
        Ranking(Sizes(6, 8, 2), scale="odds")
    with pytest.raises(RecipeError, match=r"Term 'max_instance': expected odds of \['softmax', 'each'\]"):
        MaxInstance(Sizes(6, 8, 2), odds="both")
