"""Every registered sampler meets the shipped kit, and the kit catches samplers spoilt in one way each."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from wsigraph.testing import check_sampler
from wsigraph.training.samplers.balanced import Balanced
from wsigraph.training.samplers.base import SlideSampler
from wsigraph.training.samplers.contrastive import Contrastive
from wsigraph.training.samplers.shuffled import Shuffled

SLIDES_PER_STEP = {"pairs": 2}
BUILT_IN = [
    name
    for name in SlideSampler.registry.names()
    if SlideSampler.registry.get(name).__module__.startswith("wsigraph.")
]


@pytest.mark.parametrize("name", BUILT_IN)
def test_sampler(name):
    check_sampler(SlideSampler.registry.get(name), slides_per_step=SLIDES_PER_STEP.get(name, 4))


@pytest.mark.parametrize("slides_per_step", [1, 5, 30])
@pytest.mark.parametrize("sampler", [Shuffled, Balanced])
def test_sampler_with_steps_of_other_sizes(sampler, slides_per_step):
    check_sampler(sampler, slides_per_step=slides_per_step)


def test_contrastive_with_more_positives():
    check_sampler(partial(Contrastive, positives=3), slides_per_step=7)


def test_the_family_has_its_parts():
    assert {"shuffled", "balanced", "pairs", "contrastive"} <= set(BUILT_IN)


class OneTooFar(Shuffled):
    def draw(self, targets, generator):
        return [[s + 1 for s in step] for step in super().draw(targets, generator)]


class GivesTensors(Shuffled):
    def draw(self, targets, generator):
        return [list(torch.tensor(step)) for step in super().draw(targets, generator)]


class EmptyStep(Shuffled):
    def draw(self, targets, generator):
        return [*super().draw(targets, generator), []]


class TooLarge(Shuffled):
    def draw(self, targets, generator):
        return [list(range(len(targets)))]


class AnyNumberOfSteps(Shuffled):
    def draw(self, targets, generator):
        steps = super().draw(targets, generator)
        return steps[int(torch.randint(2, (1,), generator=generator)) :]


class LeavesOneOut(Shuffled):
    def draw(self, targets, generator):
        return [[max(s, 1) for s in step] for step in super().draw(targets, generator)]


class DrawsGlobally(Shuffled):
    def draw(self, targets, generator):
        return super().draw(targets, torch.Generator().manual_seed(int(torch.randint(9999, (1,)))))


class ReadsGlobalState(Shuffled):
    def draw(self, targets, generator):
        seen = int(torch.get_rng_state().sum())
        return super().draw(targets, torch.Generator().manual_seed(seen + generator.initial_seed()))


class Remembers(Shuffled):
    calls = 0

    def draw(self, targets, generator):
        self.calls += 1
        return super().draw(targets, torch.Generator().manual_seed(generator.initial_seed() + self.calls))


class AlwaysTheSame(Shuffled):
    def draw(self, targets, generator):
        return super().draw(targets, torch.Generator().manual_seed(0))


class ForgetsTheSeed(Shuffled):
    def steps(self, targets, *, seed, epoch):
        return super().steps(targets, seed=0, epoch=epoch)


class ChangesTargets(Shuffled):
    def draw(self, targets, generator):
        targets[0] = 1 - targets[0]
        return super().draw(targets, generator)


class SaysItReadsClasses(Shuffled):
    reads_classes = True


class SaysItReadsNone(Balanced):
    reads_classes = False


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (OneTooFar, "expected slides from 0 to 19"),
        (GivesTensors, "expected slides from 0 to 19"),
        (EmptyStep, "at least one slide"),
        (TooLarge, "at most 4 slides, got 20"),
        (AnyNumberOfSteps, r"as many steps in every epoch, got \[4, 5\]"),
        (LeavesOneOut, r"every slide seen in 60 epochs, got \[0\] never seen"),
        (DrawsGlobally, "global random state left alone"),
        (ReadsGlobalState, r"drawn from \(seed, epoch\) alone"),
        (Remembers, r"drawn from \(seed, epoch\) alone"),
        (AlwaysTheSame, "other steps in another epoch"),
        (ForgetsTheSeed, "other steps from another seed"),
        (ChangesTargets, "targets left as they were"),
        (SaysItReadsClasses, "RecipeError for targets that are no classes"),
        (SaysItReadsNone, r"targets that are no classes to be dealt .* got refused"),
    ],
)
def test_sampler_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_sampler(fault)
