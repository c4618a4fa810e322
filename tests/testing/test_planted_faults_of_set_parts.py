"""The kit catches terms that read by rank and heads that hand out more, spoilt in one way each."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from wsigraph.nn.heads.dtfd import DTFD
from wsigraph.objectives.base import Need
from wsigraph.objectives.terms.attention_diversity import AttentionDiversity
from wsigraph.objectives.terms.clam_instance import ClamInstance
from wsigraph.testing import check_head, check_objective


class SaysRankedAndReadsValues(AttentionDiversity):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.needs = (Need("clean", "bag", "attention", ranked=True),)


class ForgetsToSayRanked(ClamInstance):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.needs = (self.needs[0], Need("clean", "bag", "attention"))


class TakesTheFirstPatches(ClamInstance):
    def of_slide(self, nodes, attention, target):
        return super().of_slide(nodes, torch.arange(len(nodes), 0, -1).unsqueeze(1).expand(-1, 7), target)


class TakesAllPatches(ClamInstance):
    def of_slide(self, nodes, attention, target):
        return self._compare(nodes, target, torch.ones(len(nodes), dtype=torch.long))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (SaysRankedAndReadsValues, r"no gradient through the attention, which it says is ranked"),
        (ForgetsToSayRanked, r"a loss that depends on the attention it says it needs"),
        (TakesTheFirstPatches, r"the same loss whatever the order of the patches"),
        (TakesAllPatches, r"a loss that depends on the attention it says it needs"),
    ],
)
def test_term_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_objective(fault)


class ClassifierOfNothing(DTFD):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels)
        self.third_classify = nn.Linear(in_channels, out_channels)


def test_a_classifier_that_answers_nothing_is_caught_and_those_of_pseudo_bags_are_not():
    check_head(partial(DTFD, distil="maxmins"))
    with pytest.raises(AssertionError, match=r"every parameter to be used, got \['third_classify"):
        check_head(ClassifierOfNothing)
