"""Terms over a label tree: loops, optima, who is reached by which, and slides known at coarse levels only."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.errors import RecipeError
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.instance_alignment import instance_alignment
from wsigraph.objectives.terms.bag_alignment import BagAlignment
from wsigraph.objectives.terms.instance_alignment import InstanceAlignment
from wsigraph.objectives.terms.tree_cross_entropy import TreeCrossEntropy
from wsigraph.testing.slides import make_slides

DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e", "f"), "y2": ("g", "h")}},
    levels=("top", "mid", "leaf"),
)
BRACS = ready_tree("bracs")
SLIDES = make_slides(6)
HEADS = {"coarse": 0, "middle": 1, "fine": 2}


def sizes_of(tree, levels=HEADS):
    return Sizes(6, 8, len(tree.names()), tree=tree, levels=levels)


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def attention(columns, seed=0):
    scores = draw(len(SLIDES.x), columns, seed=seed)
    return torch.cat([scores[SLIDES.rows(b)].softmax(0) for b in range(SLIDES.num_graphs)])


def step(target, **heads):
    given = {
        name: HeadOutput(logits=one[0], embedding=one[0], attention=one[1]) for name, one in heads.items()
    }
    seen = BagOutput(SLIDES.x, SLIDES.batch, SLIDES.num_graphs, SLIDES.adjacency, given)
    return Step({"clean": seen}, torch.as_tensor(target), SLIDES.x)


def lines(*known, tree=DEEP):
    """Labels down to the class of each name; "" is unknown."""
    return [tree.line(*tree.find(name)) if name else (-1,) * tree.num_levels for name in known]


TARGET = lines("e", "x2", "y", "")


def likelihood(logits, level, line, tree=DEEP):
    """Minus the log of the probability below the finest known class, by walking up from each class."""
    p = np.exp(logits) / np.exp(logits).sum()
    known = [at for at in range(level + 1) if line[at] >= 0]
    if not known:
        return 0.0
    total = sum(p[k] for k in range(len(p)) if tree.line(level, k)[known[-1]] == line[known[-1]])
    return -math.log(total)


@pytest.mark.parametrize("head", list(HEADS))
def test_cross_entropy_of_what_is_known_equals_loops(head):
    level = HEADS[head]
    logits = draw(4, len(DEEP.names(level)), seed=level)
    term = TreeCrossEntropy(sizes_of(DEEP), head=head)
    wanted = np.mean([likelihood(logits[b].numpy(), level, TARGET[b]) for b in range(4)])
    for target in (torch.tensor(TARGET), torch.tensor(TARGET, dtype=torch.float64)):
        assert term(step(target, **{head: (logits, None)})).item() == pytest.approx(wanted, rel=1e-12)


def test_where_all_is_known_it_is_the_cross_entropy():
    logits, target = draw(4, 8), lines("a", "h", "c", "e")
    found = TreeCrossEntropy(sizes_of(DEEP), head="fine")(step(target, fine=(logits, None)))
    wanted = torch.nn.functional.cross_entropy(logits, torch.tensor([t[-1] for t in target]))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-12)


def test_a_coarse_label_is_satisfied_by_any_division_below_it():
    logits = torch.full((4, 8), -1e4, dtype=torch.float64)
    for b, inside in enumerate([("e",), ("c",), ("d", "g"), ()]):
        logits[b, [DEEP.index("leaf", name) for name in inside]] = 3.0
    assert TreeCrossEntropy(sizes_of(DEEP), head="fine")(step(TARGET, fine=(logits, None))).item() == 0.0
    logits[2] = 0.0  # five of eight lie below y
    found = TreeCrossEntropy(sizes_of(DEEP), head="fine")(step(TARGET, fine=(logits, None))).item()
    assert found == pytest.approx(-math.log(5 / 8) / 4, rel=1e-12)


def test_slides_of_which_nothing_is_known_teach_nothing():
    logits = draw(4, 8).requires_grad_()
    value = TreeCrossEntropy(sizes_of(DEEP), head="fine")(step(lines("", "", "", ""), fine=(logits, None)))
    value.backward()
    assert value.item() == 0.0
    assert (logits.grad == 0).all()


def test_a_coarse_label_moves_no_probability_among_the_classes_below_it():
    logits = draw(4, 8, seed=3).requires_grad_()
    TreeCrossEntropy(sizes_of(DEEP), head="fine")(
        step(lines("", "", "y1", ""), fine=(logits, None))
    ).backward()
    p, grad = logits.detach().softmax(1), logits.grad[2]
    inside = [DEEP.index("leaf", name) for name in "def"]
    ratio = grad[inside] / p[2, inside]  # the gradient is p_k (1 - 1 / p(y1)) inside: proportional to p
    torch.testing.assert_close(ratio, ratio[:1].expand(3), rtol=1e-10, atol=0)
    assert (ratio < 0).all()
    assert (grad[[k for k in range(8) if k not in inside]] > 0).all()


@pytest.mark.parametrize(
    ("head", "level", "above"), [("fine", None, 1), ("fine", "top", 0), ("middle", None, 0)]
)
def test_bag_alignment_between_any_two_levels_equals_loops(head, level, above):
    at = HEADS[head]
    logits = draw(4, len(DEEP.names(at)), seed=5)
    target = lines("e", "x2", "b", "g")
    term = BagAlignment(sizes_of(DEEP), head=head, level=level)
    wanted = np.mean([likelihood(logits[b].numpy(), at, (*target[b][: above + 1], -1, -1)) for b in range(4)])
    assert term(step(target, **{head: (logits, None)})).item() == pytest.approx(wanted, rel=1e-12)


def test_bag_alignment_counts_a_slide_the_same_in_whatever_step_it_stands():
    logits, target = draw(4, 8, seed=6), torch.tensor(TARGET)
    term = BagAlignment(sizes_of(DEEP), head="fine")
    whole = term.loss(logits, target)
    alone = torch.stack([term.loss(logits[b : b + 1], target[b : b + 1]) for b in range(4)])
    assert whole.item() == pytest.approx(alone.mean().item(), rel=1e-12)
    assert alone[2].item() == alone[3].item() == 0.0  # "y" and unknown: nothing at the level above the finest


@pytest.mark.parametrize(("form", "least"), [("paper", 0.0), ("code", math.log(1 + 2 / math.e))])
def test_bag_alignment_at_its_optimum(form, least):
    target = lines("PB", "ADH", "IC", "N", tree=BRACS)
    logits = torch.full((4, 7), -1e4, dtype=torch.float64)
    for b, other in enumerate(["UDH", "FEA", "DCIS", "PB"]):  # a sibling will do
        logits[b, BRACS.index("subtype", other)] = 0.0
    term = BagAlignment(sizes_of(BRACS, {}), head="fine", form=form)
    assert term(step(target, fine=(logits, None))).item() == pytest.approx(least, abs=1e-6)
    assert least == pytest.approx(0.5514 * (form == "code"), abs=5e-5)


@pytest.mark.parametrize(("coarse", "fine"), [("coarse", "middle"), ("middle", "fine"), ("coarse", "fine")])
def test_instance_alignment_between_any_two_levels(coarse, fine):
    heads = {
        name: (None, attention(len(DEEP.names(HEADS[name])), seed=HEADS[name])) for name in (coarse, fine)
    }
    term = InstanceAlignment(sizes_of(DEEP), coarse=coarse, fine=fine)
    summed = torch.zeros_like(heads[coarse][1])
    for k in range(heads[fine][1].shape[1]):
        summed[:, DEEP.line(HEADS[fine], k)[HEADS[coarse]]] += heads[fine][1][:, k]
    errors = 1 - torch.nn.functional.cosine_similarity(heads[coarse][1], summed)
    wanted = torch.stack([errors[SLIDES.rows(b)].mean() for b in range(SLIDES.num_graphs)]).mean()
    assert term(step(TARGET, **heads)).item() == pytest.approx(wanted.item(), rel=1e-10)
    heads[coarse] = (None, 0.3 * summed)
    assert term(step(TARGET, **heads)).item() == pytest.approx(0.0, abs=1e-12)


def test_instance_alignment_reads_no_label():
    heads = {name: (None, attention(len(DEEP.names(at)), seed=at)) for name, at in HEADS.items()}
    term = InstanceAlignment(sizes_of(DEEP))
    assert term(step(TARGET, **heads)) == term(step(lines("a", "a", "", "h"), **heads))


def test_instance_alignment_is_the_pure_function():
    heads = {name: (None, attention(len(DEEP.names(at)), seed=at)) for name, at in HEADS.items()}
    member = torch.from_numpy(DEEP.membership(2, 0))
    wanted = instance_alignment(
        heads["coarse"][1],
        heads["fine"][1],
        membership=member,
        batch=SLIDES.batch,
        num_graphs=SLIDES.num_graphs,
    )
    assert InstanceAlignment(sizes_of(DEEP))(step(TARGET, **heads)).item() == wanted.item()


def test_what_cannot_be_aligned_is_refused():
    with pytest.raises(
        RecipeError, match=r"whose classes form a tree, got none. Ask for the task 'hierarchy'"
    ):
        TreeCrossEntropy(Sizes(6, 8, 3))
    with pytest.raises(
        RecipeError, match=r"head 'coarse' to answer a finer level than head 'fine', got .*'top' and 'leaf'"
    ):
        InstanceAlignment(sizes_of(DEEP), coarse="fine", fine="coarse")
    with pytest.raises(RecipeError, match="a level above 'top', which head 'coarse' answers, got none"):
        BagAlignment(sizes_of(DEEP), head="coarse")
    with pytest.raises(RecipeError, match="a level above 'mid', which head 'middle' answers, got 'leaf'"):
        BagAlignment(sizes_of(DEEP), head="middle", level="leaf")
    with pytest.raises(RecipeError, match=r"a form of \['code', 'paper'\], got 'exact'"):
        BagAlignment(sizes_of(DEEP), form="exact")
    one = {"coarse": (None, attention(1)), "fine": (None, attention(8))}
    with pytest.raises(
        RecipeError, match="attention with 2 columns from head 'coarse', one per class, got 1"
    ):
        InstanceAlignment(sizes_of(DEEP))(step(TARGET, **one))
    with pytest.raises(
        RecipeError, match=r"for each of the levels \['top', 'mid', 'leaf'\], got shape \[4\]"
    ):
        TreeCrossEntropy(sizes_of(DEEP), head="fine")(step([0, 1, 2, 0], fine=(draw(4, 8), None)))
