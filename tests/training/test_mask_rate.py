"""The mask rate moves over the epochs in training, and validation asks every epoch the same task."""

from __future__ import annotations

import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.nn.views.masked import Masked


@pytest.fixture(scope="module")
def data(small, graphs_for):
    graphs = graphs_for(small(), slides=6, grid=10)
    return graphs[:4], graphs[4:]


WAVE = 0.4 * 0.5**0.5
SHAPES = {"linear": [0.1, 0.3, 0.5, 0.7, 0.9], "cosine": [0.1, 0.5 - WAVE, 0.5, 0.5 + WAVE, 0.9]}


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


@pytest.fixture
def run(run_training, tmp_path):
    return lambda method, data: run_training(method, *data, tmp_path)


def test_each_epoch_has_its_rate(small, data, run, monkeypatch, shape):
    changes = {"views__masked__rate": 0.1, "views__masked__rate_end": 0.9, "views__masked__rate_shape": shape}
    method = small(optimiser__epochs=5, checkpoint__monitor="last", **changes)
    shares = {True: [], False: []}
    real = Masked.forward

    def watched(self, nodes, stem, seen, mask):
        out = real(self, nodes, stem, seen, mask)
        shares[self.training].append(out.mask.float().mean().item())
        return out

    monkeypatch.setattr(Masked, "forward", watched)
    run(method, data)
    per_epoch = torch.tensor(shares[True]).view(5, -1)
    gap = per_epoch - torch.tensor(SHAPES[shape]).unsqueeze(1)
    assert gap.abs().max() < 0.025, per_epoch  # floor of rate times n
    assert shares[False] == pytest.approx([0.9] * 10, abs=0.025)


def test_without_an_end_the_rate_stays(small, data):
    model, objectives = small(optimiser__epochs=5).build()
    for epoch in (0, 4):
        loss = objectives(model, data[0][0], target=torch.tensor([0]), epoch=epoch)
        n = len(data[0][0].x)
        assert int(loss.views["masked"].mask.sum()) == int(0.7 * n + 1e-9)


def test_masks_of_validation_are_the_same_in_every_epoch(small, data, run, monkeypatch):
    method = small(optimiser__epochs=3, views__masked__rate=0.2, views__masked__rate_end=0.8)
    seen = []
    real = Masked.forward

    def watched(self, nodes, stem, seen_before, mask):
        out = real(self, nodes, stem, seen_before, mask)
        if not self.training:
            seen.append(out.mask)
        return out

    monkeypatch.setattr(Masked, "forward", watched)
    run(method, data)
    first, second, third = seen[:2], seen[2:4], seen[4:]
    assert len(third) == 2
    assert all(torch.equal(a, b) and torch.equal(b, c) for a, b, c in zip(first, second, third, strict=True))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"rate_end": 1.2}, "a rate between 0 and 1, got 1.2"), ({"rate_shape": "steps"}, "got 'steps'")],
)
def test_impossible_schedules_are_refused(options, sentence):
    with pytest.raises(RecipeError, match=sentence):
        Masked(6, **options)
