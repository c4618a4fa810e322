"""What every sampler owes: test a new one with ``check_sampler(MySampler)``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wsigraph.errors import RecipeError
from wsigraph.testing.require import require
from wsigraph.training.samplers.base import SlideSampler

COHORTS = {
    "two classes": [0, 1] * 10,
    "one slide of the first class": [0] + [1] * 12,
    "three classes, one rare": [2, 0, 0, 1, 0, 1, 0, 0, 1, 0, 2, 0],
    "seven classes": [c for c in range(7) for _ in range(c + 1)],
}
"""Classes of made-up slides."""

EPOCHS = 60


def check_sampler(make: Callable[[int], SlideSampler], *, slides_per_step: int = 4) -> None:
    """Check one sampler on made-up cohorts of 2, 3 and 7 classes.

    Steps hold slides that there are, at least one and no more than asked; an epoch has as many steps as any
    other; steps are drawn from (seed, epoch) alone, and differ between epochs and between seeds; no slide is
    left out for good; global random state and targets are left as they were; rows of numbers are dealt
    or refused, as the sampler says it reads classes.

    Args:
        make: ``slides_per_step`` -> a new sampler; the class itself, or a ``partial`` with options.
        slides_per_step: What it is made with.

    Raises: AssertionError: naming the first property that fails.
    """
    for cohort, classes in COHORTS.items():
        part = make(slides_per_step)
        who, targets = f"{type(part).__name__} on {cohort}", torch.tensor(classes)
        epochs = [part.steps(targets, seed=3, epoch=epoch) for epoch in range(EPOCHS)]
        _check_steps(epochs, len(targets), slides_per_step, who=who)
        _check_draws(make(slides_per_step), targets, epochs, who=who)
        require(bool((targets == torch.tensor(classes)).all()), who, "targets left as they were", "others")
    _check_rows(make(slides_per_step))


def _check_steps(epochs: list[list[list[int]]], num_slides: int, most: int, *, who: str) -> None:
    for steps in epochs:
        sizes = [len(step) for step in steps]
        require(bool(steps) and min(sizes) >= 1, who, "steps of at least one slide", f"{sizes}")
        require(max(sizes) <= most, who, f"steps of at most {most} slides", f"{max(sizes)}")
        strange = [s for step in steps for s in step if type(s) is not int or not 0 <= s < num_slides]
        require(not strange, who, f"slides from 0 to {num_slides - 1}", f"{strange[:3]}")
    numbers = sorted({len(steps) for steps in epochs})
    require(len(numbers) == 1, who, "as many steps in every epoch", f"{numbers}")
    missed = sorted(set(range(num_slides)) - {s for steps in epochs for step in steps for s in step})
    require(not missed, who, f"every slide seen in {EPOCHS} epochs", f"{missed} never seen")


def _check_draws(part: SlideSampler, targets: Tensor, epochs: list[list[list[int]]], *, who: str) -> None:
    before = torch.get_rng_state()
    late = part.steps(targets, seed=3, epoch=5)
    require(torch.equal(before, torch.get_rng_state()), who, "global random state left alone", "drawn from")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        again = part.steps(targets, seed=3, epoch=5)
    what = "steps drawn from (seed, epoch) alone, whatever came before"
    require(late == again == epochs[5], who, what, "others")
    require(epochs[0] != epochs[1], who, "other steps in another epoch", "the same")
    others = part.steps(targets, seed=4, epoch=0)
    require(others != epochs[0], who, "other steps from another seed", "the same")


def _check_rows(part: SlideSampler) -> None:
    rows = torch.tensor([[0.5, 1.0]] * 8)
    who = type(part).__name__
    try:
        steps = part.steps(rows, seed=0, epoch=0)
    except RecipeError:
        require(part.reads_classes, who, "targets that are no classes to be dealt (reads_classes)", "refused")
        return
    require(not part.reads_classes, who, "RecipeError for targets that are no classes", f"{steps}")
