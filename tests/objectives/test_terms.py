"""Each term at its optimum, at known values, and against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.nn.schedule import Schedule
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.terms.cross_entropy import CrossEntropy
from wsigraph.objectives.terms.reconstruction import Reconstruction, cosine_error
from wsigraph.testing.objectives import example_step
from wsigraph.testing.slides import make_slides

SIZES = Sizes(in_channels=6, node_channels=8, num_classes=3)


def classified(logits, target):
    slides = make_slides(6)
    head = HeadOutput(logits=logits, embedding=logits)
    seen = BagOutput(slides.x, slides.batch, len(logits), slides.adjacency, {"bag": head})
    return Step({"clean": seen}, torch.tensor(target), slides.x)


def test_cross_entropy_is_zero_at_its_optimum():
    logits = torch.tensor([[0.0, 1e3, 0.0], [1e3, 0.0, 0.0]])
    assert CrossEntropy(SIZES)(classified(logits, [1, 0])).item() == 0.0


def test_cross_entropy_of_ignorance_is_log_of_the_classes():
    value = CrossEntropy(SIZES)(classified(torch.zeros(2, 3), [1, 0])).item()
    assert value == pytest.approx(np.log(3), rel=1e-6)


def test_cross_entropy_equals_numpy():
    logits = torch.randn(4, 3, dtype=torch.float64)
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    wanted = -np.mean([np.log(p[b, t]) for b, t in enumerate([2, 0, 1, 1])])
    assert CrossEntropy(SIZES)(classified(logits, [2, 0, 1, 1])).item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("rebuilt", "error"),
    [([2.0, 0.0], 0.0), ([0.0, 3.0], 1.0), ([-1.0, 0.0], 2.0), ([1.0, 1.0], 1 - 2**-0.5)],
)
def test_cosine_error_known_values(rebuilt, error):
    original = torch.tensor([[0.5, 0.0]], dtype=torch.float64)
    for alpha in (1.0, 2.0, 3.0):
        got = cosine_error(torch.tensor([rebuilt], dtype=torch.float64), original, alpha=alpha)
        assert got.item() == pytest.approx(error**alpha, abs=1e-12)


def test_a_zero_row_gives_a_number():
    assert cosine_error(torch.zeros(1, 3), torch.ones(1, 3)).tolist() == [1.0]


class Told(Reconstruction):
    """Rebuilds what it is told."""

    answer: torch.Tensor

    def compare(self, seen, target, *, row_weight):
        return (cosine_error(self.answer[seen.mask], target, alpha=self.alpha) * row_weight).sum()


def told(step, answer, **options):
    term = Told(SIZES, **options).double()
    term.answer = answer
    return term(step).item()


def step_with(mask):
    return example_step(Reconstruction(SIZES), SIZES, make_slides(6), mask=mask)


HALF = torch.arange(18) % 2 == 0


def test_reconstruction_is_zero_where_masked_rows_are_rebuilt():
    step = step_with(HALF)
    answer = torch.where(HALF.unsqueeze(1), 3.0 * step.inputs, -step.inputs)  # unmasked rows do not count
    assert told(step, answer) == pytest.approx(0.0, abs=1e-12)


def test_reconstruction_is_two_where_everything_points_the_wrong_way():
    step = step_with(HALF | (torch.arange(18) == 5))  # some of every slide, and the only patch of one
    assert told(step, -step.inputs) == pytest.approx(2.0)
    assert told(step, -step.inputs, alpha=3.0) == pytest.approx(8.0)


def test_slides_weigh_equally_whatever_their_masked_patches():
    slides = make_slides(6)
    step = step_with(torch.ones(18, dtype=torch.bool))
    answer = step.inputs.clone()
    answer[slides.rows(2)] *= -1  # nine of the eighteen patches, one of the four slides
    assert told(step, answer) == pytest.approx(2.0 / 4)


def test_a_slide_without_a_masked_patch_counts_zero():
    slides, mask = make_slides(6), torch.ones(18, dtype=torch.bool)
    mask[slides.rows(0)] = False
    step = step_with(mask)
    assert told(step, -step.inputs) == pytest.approx(2.0 * 3 / 4)


def test_nothing_masked_is_zero_with_a_zero_gradient():
    step = step_with(torch.zeros(18, dtype=torch.bool))
    embedding = step.views["masked"].node_embedding.requires_grad_()
    value = Reconstruction(SIZES).double()(step)
    value.backward()
    assert value.item() == 0.0
    assert (embedding.grad == 0).all()


def test_reconstruction_equals_numpy_loops():
    """The decoder by hand: bridge, token at masked rows, two graph attention layers, cosine."""
    step, slides = step_with(HALF), make_slides(6)
    term = Reconstruction(SIZES, heads=2).double().eval()
    hidden = step.views["masked"].node_embedding.numpy() @ array(term.bridge.weight).T
    hidden[HALF.numpy()] = array(term.token)
    edges = slides.edge_index.numpy()
    hidden = attend(term.hidden, hidden, edges)
    hidden = (hidden - hidden.mean(1, keepdims=True)) / np.sqrt(hidden.var(1, keepdims=True) + 1e-5)
    hidden = np.where(hidden > 0, hidden, 0.25 * hidden)  # PReLU starts at a slope of 1/4
    rebuilt, x = attend(term.last, hidden, edges), step.inputs.numpy()
    errors = 1 - (rebuilt * x).sum(1) / np.linalg.norm(rebuilt, axis=1) / np.linalg.norm(x, axis=1)
    per_slide = [errors[slides.rows(s)][HALF.numpy()[slides.rows(s)]] for s in range(4)]
    wanted = sum(e.mean() if len(e) else 0.0 for e in per_slide) / 4
    assert term(step).item() == pytest.approx(wanted, rel=1e-10)


def array(tensor):
    return tensor.detach().numpy()


def attend(layer, x, edges):
    heads = layer.heads
    h = (x @ array(layer.project.weight).T).reshape(len(x), heads, -1)
    s, t = (h * array(layer.attend_src)).sum(-1), (h * array(layer.attend_dst)).sum(-1)
    out = np.zeros_like(h)
    for v in range(len(x)):
        sources = edges[0, edges[1] == v]
        logits = s[sources] + t[v]
        weights = np.exp(np.where(logits > 0, logits, 0.2 * logits))
        out[v] = (weights[:, :, None] * h[sources]).sum(0) / weights.sum(0)[:, None]
    return out.reshape(len(x), -1) + array(layer.bias)


def test_the_decoder_cannot_see_masked_embeddings():
    step = step_with(HALF)
    embedding = step.views["masked"].node_embedding.requires_grad_()
    Reconstruction(SIZES).double()(step).backward()
    assert (embedding.grad[HALF] == 0).all()
    assert (embedding.grad[~HALF] != 0).any()


def test_the_bridge_has_no_bias():
    assert isinstance(Reconstruction(SIZES).bridge, nn.Linear)
    assert Reconstruction(SIZES).bridge.bias is None


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        (Schedule(0.2), [0.2] * 5),
        (Schedule(1.0, 0.0), [1.0, 0.75, 0.5, 0.25, 0.0]),
        (Schedule(1.0, 0.0, "open"), [1.0, 0.8, 0.6, 0.4, 0.2]),
        (Schedule(1.0, 0.0, "open_square"), [1.0, 0.96, 0.84, 0.64, 0.36]),
        (Schedule(0.0, 2.0), [0.0, 0.5, 1.0, 1.5, 2.0]),
        (Schedule(0.0, 2.0, "cosine"), [0.0, 1 - 0.5**0.5, 1.0, 1 + 0.5**0.5, 2.0]),
    ],
)
def test_schedule(schedule, weights):
    assert [schedule.at(e, 5) for e in range(5)] == pytest.approx(weights)
    assert schedule.at(99, 5) == pytest.approx(weights[-1])
    assert schedule.at(0, 1) == schedule.start
