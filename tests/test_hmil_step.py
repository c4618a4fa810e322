"""The measure of HMIL's step compares what it says: the same slides, all terms or one, a queue or none."""

from __future__ import annotations

import torch

from benchmarks.speed import hmil_step
from benchmarks.speed.hmil_step import QUEUE, SLIDES, held, make


def count_of_steps(name):
    """How often the loss is computed in a pass over all slides, and on how many slides each time."""
    objectives, step = make(name, patches=2)
    seen = []
    objectives.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(kwargs["target"])), with_kwargs=True
    )
    before = [p.detach().clone() for p in objectives.parameters()]
    step()
    assert all(torch.equal(a, b) for a, b in zip(before, objectives.parameters(), strict=True))
    return seen, objectives


def test_each_side_sees_all_slides_once_in_its_own_steps():
    assert count_of_steps("flat steps")[0] == [1] * SLIDES
    for name in ("flat step", "hmil", "queue"):
        assert count_of_steps(name)[0] == [SLIDES], name


def test_flat_is_one_term_and_hmil_all_of_them_at_work():
    flat, _ = make("flat steps", patches=2)
    assert set(flat.terms) == {"ce_fine"}
    for name in ("hmil", "queue"):
        whole, _ = make(name, patches=2)
        expected = {"ce_fine", "ce_coarse", "instance_alignment", "bag_alignment", "contrast"}
        assert set(whole.terms) == expected
        assert all(whole.weights[term].at(100, whole.epochs) > 0 for term in expected)


def test_bytes_of_the_queue_are_counted_from_its_state():
    assert held(make("hmil", patches=2)[0]) == 0
    queued, step = make("queue", patches=2)
    assert held(queued) == QUEUE * (4 * 256 + 8) + 8  # vectors, classes, and the place of the next
    step()
    assert int((queued.terms["contrast"].seen.labels >= 0).sum()) == SLIDES


def test_a_side_tells_seconds_memory_and_queue():
    found = hmil_step.run("flat step", patches=2, repeats=1)
    assert set(found) == {"seconds", "gb", "queue_mb"}
    assert found["seconds"] > 0
    assert found["gb"] >= 0
    assert found["queue_mb"] == 0
