"""Supervised contrast as a term: which vector speaks for a slide, the queue, balance, the code's form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.errors import RecipeError
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.slide_queue import SlideQueue
from wsigraph.objectives.supervised_contrast import Remembered, supervised_contrast
from wsigraph.objectives.terms.supervised_contrast import SupervisedContrast, wave
from wsigraph.testing.slides import make_slides

BRACS = ready_tree("bracs")
SIZES = Sizes(6, 8, 7, tree=BRACS, levels={"coarse": 0}, class_channels={"fine": 4, "coarse": 4})
SLIDES = make_slides(6)
NAMES = ("PB", "DCIS", "PB", "N", "DCIS", "PB")


def vectors(slides=6, classes=7, *, seed=0):
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(slides, classes, 4, dtype=torch.float64, generator=noise)


def step(given, names=NAMES, *, epoch=0, epochs=1, head="fine"):
    target = [BRACS.line(*BRACS.find(name)) if name else (-1, -1) for name in names]
    out = HeadOutput(logits=given[..., 0], embedding=given[:, 0], extras={"class_embedding": given})
    seen = BagOutput(SLIDES.x, SLIDES.batch, len(given), SLIDES.adjacency, {head: out})
    return Step({"clean": seen}, torch.tensor(target, dtype=torch.float32), SLIDES.x, epoch, epochs)


def contrast(rows, labels, *, tau=0.1):
    """The loss over rows, slide by slide, in NumPy."""
    rows = [row / np.linalg.norm(row) for row in rows]
    each = []
    for i, z in enumerate(rows):
        others = [j for j in range(len(rows)) if j != i and labels[j] >= 0]
        positives = [j for j in others if labels[j] == labels[i]]
        if labels[i] >= 0 and positives:
            below = sum(math.exp(z @ rows[j] / tau) for j in others)
            each.append(-np.mean([math.log(math.exp(z @ rows[j] / tau) / below) for j in positives]))
    return np.mean(each)


def test_a_slide_is_told_by_the_vector_of_its_true_class():
    given = vectors()
    labels = [BRACS.index("subtype", name) for name in NAMES]
    rows = [given[b, label].numpy() for b, label in enumerate(labels)]
    assert SupervisedContrast(SIZES)(step(given)).item() == pytest.approx(contrast(rows, labels), rel=1e-10)


def test_gradients_reach_the_vectors_of_true_classes_alone():
    given = vectors(seed=1).requires_grad_()
    SupervisedContrast(SIZES)(step(given)).backward()
    reached = {(b, k) for b, k in torch.nonzero(given.grad.abs().sum(2)).tolist()}
    assert reached == {(b, BRACS.index("subtype", name)) for b, name in enumerate(NAMES)}


def test_slides_known_at_a_coarse_level_alone_take_no_part():
    given, names = vectors(seed=2).requires_grad_(), ("PB", "benign", "PB", "", "DCIS", "DCIS")
    value = SupervisedContrast(SIZES)(step(given, names))
    value.backward()
    assert (given.grad[[1, 3]] == 0).all()
    known = [0, 2, 4, 5]
    labels = [BRACS.index("subtype", names[b]) for b in known]
    rows = [given[b, label].detach().numpy() for b, label in zip(known, labels, strict=True)]
    assert value.item() == pytest.approx(contrast(rows, labels), rel=1e-10)


def test_at_a_coarse_head_groups_are_contrasted():
    given = vectors(classes=3, seed=3)
    labels = [
        int(BRACS.line(*BRACS.find(name))[0]) for name in ("PB", "benign", "IC", "DCIS", "malignant", "ADH")
    ]
    rows = [given[b, label].numpy() for b, label in enumerate(labels)]
    term = SupervisedContrast(SIZES, head="coarse")
    found = term(step(given, ("PB", "benign", "IC", "DCIS", "malignant", "ADH"), head="coarse"))
    assert found.item() == pytest.approx(contrast(rows, labels), rel=1e-10)


def test_one_slide_alone_has_nothing_to_be_compared_with():
    given = vectors(1).requires_grad_()
    value = SupervisedContrast(SIZES)(step(given, ("PB",)))
    value.backward()
    assert value.item() == 0.0
    assert (given.grad == 0).all()


def test_the_form_of_the_code_compares_all_class_vectors_and_divides_once_more():
    given, tau = vectors(seed=4), wave(3, 10)
    labels = [BRACS.index("subtype", name) for name in NAMES]
    rows, repeated = given.flatten(0, 1).numpy(), [label for label in labels for _ in range(7)]
    term = SupervisedContrast(SIZES, form="code", temperature="wave")
    found = term(step(given, epoch=3, epochs=10)).item()
    assert found == pytest.approx(contrast(rows, repeated, tau=tau) / 6, rel=1e-10)


def test_in_the_form_of_the_code_the_class_vectors_of_a_slide_collapse():
    def spread(form):
        given = vectors(seed=5).requires_grad_()
        optimiser = torch.optim.Adam([given], lr=0.05)
        for _ in range(150):
            optimiser.zero_grad()
            SupervisedContrast(SIZES, form=form, temperature=0.5)(step(given)).backward()
            optimiser.step()
        unit = torch.nn.functional.normalize(given.detach(), dim=2)
        return float((unit - unit.mean(1, keepdim=True)).norm(dim=2).mean())

    assert spread("code") < 0.2
    assert spread("paper") > 0.5


@pytest.mark.parametrize(("epoch", "tau"), [(0, 1.0), (5, 0.55), (10, 0.1), (15, 0.55), (19, 0.9779754)])
def test_the_wave_of_the_temperature(epoch, tau):
    assert wave(epoch, 20) == pytest.approx(tau, abs=1e-6)


def test_the_queue_remembers_the_last_slides_of_known_class():
    queue, rows = SlideQueue(5, 4).double(), vectors(8, 1)[:, 0]
    assert queue().labels.tolist() == [-1] * 5
    queue.push(rows[:3], torch.tensor([1, -1, 2]))
    assert queue().labels.tolist() == [1, 2, -1, -1, -1]
    queue.push(rows[3:7], torch.tensor([3, 4, 5, 6]))
    assert queue().labels.tolist() == [6, 2, 3, 4, 5]  # the oldest has made room
    torch.testing.assert_close(queue().embedding, rows[[6, 2, 3, 4, 5]], rtol=0, atol=0)
    queue.push(rows, torch.arange(8))
    assert sorted(queue().labels.tolist()) == [3, 4, 5, 6, 7]
    queue.push(rows[:1], torch.tensor([9]))
    assert 3 not in queue().labels.tolist()


def test_small_steps_with_a_queue_compare_with_what_a_large_step_would():
    given, labels = vectors(seed=6), torch.tensor([BRACS.index("subtype", name) for name in NAMES])
    own = given[torch.arange(6), labels]
    term = SupervisedContrast(SIZES, queue=16).double().train()
    found = [term(step(given[b : b + 2], NAMES[b : b + 2])).item() for b in (0, 2, 4)]
    for place, b in enumerate((0, 2, 4)):
        memory = Remembered(own[:b], labels[:b]) if b else None
        wanted = supervised_contrast(own[b : b + 2], labels[b : b + 2], memory=memory).item()
        assert found[place] == pytest.approx(wanted, rel=1e-10)
    assert found[0] == 0.0  # PB and DCIS: no positive yet
    assert min(found[1:]) > 0.0


def test_the_queue_gets_no_gradient_and_evaluation_leaves_it_alone():
    term = SupervisedContrast(SIZES, queue=8).double().train()
    term(step(vectors(seed=7)))
    given = vectors(seed=8).requires_grad_()
    term(step(given)).backward()
    assert not term.seen.embedding.requires_grad
    before = {name: value.clone() for name, value in term.state_dict().items()}
    term.eval()(step(vectors(seed=9)))
    assert all(torch.equal(before[name], value) for name, value in term.state_dict().items())


def test_the_state_of_the_queue_makes_the_round_trip():
    term, twin = (SupervisedContrast(SIZES, queue=7).double().train() for _ in range(2))
    for seed in range(3):
        term(step(vectors(seed=seed)))
    twin.load_state_dict(term.state_dict())
    for seed in range(3, 6):
        assert term(step(vectors(seed=seed))) == twin(step(vectors(seed=seed)))
    assert set(term.state_dict()) == {"seen.embedding", "seen.labels", "seen.next"}


def test_balanced_classes_weigh_the_same_in_sum():
    given, names = vectors(9, seed=10), ("PB",) * 6 + ("N", "N") + ("",)
    labels = torch.tensor([BRACS.index("subtype", name) if name else -1 for name in names])
    own = torch.nn.functional.normalize(given[torch.arange(9), labels.clamp(min=0)], dim=1).numpy()
    means = []
    for c, count in ((1, 6), (0, 2)):  # PB is class 1, N class 0
        each = []
        for i in np.flatnonzero(labels.numpy() == c):
            others = [j for j in range(8) if j != i]
            below = sum(math.exp(own[i] @ own[j] / 0.1) / (6 if labels[j] == 1 else 2) for j in others)
            positives = [j for j in others if labels[j] == c]
            each.append(-np.mean([own[i] @ own[j] / 0.1 - math.log(below) for j in positives]))
        assert len(each) == count
        means.append(np.mean(each))
    found = SupervisedContrast(SIZES, class_weights="balanced")(step(given, names))
    assert found.item() == pytest.approx(np.mean(means), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 0.0}, "a temperature above 0, or 'wave', got 0.0"),
        ({"temperature": "slow"}, "a temperature above 0, or 'wave', got 'slow'"),
        ({"form": "both"}, "the form 'paper' or 'code', got 'both'"),
        ({"queue": -1}, "a queue of 0 or more slides, got -1"),
        ({"queue": 8, "form": "code"}, "no queue in the form 'code', got 8 slides"),
        ({"class_weights": "equal"}, "class_weights 'none' or 'balanced', got 'equal'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, sentence):
    with pytest.raises(RecipeError, match=sentence):
        SupervisedContrast(SIZES, **options)
