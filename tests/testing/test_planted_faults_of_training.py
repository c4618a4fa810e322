"""The kit catches views and objectives spoilt in one way each."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.views.masked import Masked
from wsigraph.objectives.terms.cross_entropy import CrossEntropy
from wsigraph.objectives.terms.reconstruction import Reconstruction
from wsigraph.testing import check_objective, check_view


class MixesIntoMask(Masked):
    def forward(self, nodes, stem, seen, mask):
        out = super().forward(nodes, stem, seen, mask)
        return replace(out, values=out.values + 0.1 * nodes.h)


class PeeksBehindMask(Masked):
    def forward(self, nodes, stem, seen, mask):
        out = super().forward(nodes, stem, seen, mask)
        spoilt = torch.where(out.mask.unsqueeze(1), out.h + 0.1 * nodes.h, out.h)
        return replace(out, values=spoilt, token=None)


class IgnoresGivenMask(Masked):
    def forward(self, nodes, stem, seen, mask):
        return super().forward(nodes, stem, seen, None)


class ChangesBatch(Masked):
    def forward(self, nodes, stem, seen, mask):
        nodes.h.mul_(2)
        return super().forward(nodes, stem, seen, mask)


class AlwaysTheSameMask(Masked):
    def forward(self, nodes, stem, seen, mask):
        fixed = torch.arange(len(nodes.h)) % 2 == 0
        return super().forward(nodes, stem, seen, fixed if mask is None else mask)


class ForgetsItsMask(Masked):
    def forward(self, nodes, stem, seen, mask):
        out = super().forward(nodes, stem, seen, mask)
        return replace(out, values=out.h, mask=None)


class DropsEdges(Masked):
    def forward(self, nodes, stem, seen, mask):
        out = super().forward(nodes, stem, seen, mask)
        return replace(out, adjacency=Adjacency(out.adjacency.edge_index[:, 1:], len(out.h)))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (MixesIntoMask, "outside the mask untouched"),
        (PeeksBehindMask, "do not depend on what they hide"),
        (IgnoresGivenMask, "the given mask"),
        (ChangesBatch, "left as it was"),
        (AlwaysTheSameMask, "another mask from another seed"),
        (ForgetsItsMask, "draws_mask"),
        (DropsEdges, "edges kept"),
    ],
)
def test_view_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_view(fault)


class NaNWithoutMask(Reconstruction):
    def forward(self, step):
        seen = step.views[self.view]
        rebuilt = self.rebuild(seen)
        return (rebuilt - step.inputs[seen.mask]).square().mean()


class WeighsLargeSlides(Reconstruction):
    def forward(self, step):
        seen = step.views[self.view]
        if not bool(seen.mask.any()):
            return seen.node_embedding.sum() * 0.0
        rebuilt = self.rebuild(seen)
        return (rebuilt - step.inputs[seen.mask]).square().mean()


class FirstNodeOnly(Reconstruction):
    def forward(self, step):
        seen = step.views[self.view]
        if not bool(seen.mask.any()):
            return seen.node_embedding.sum() * 0.0
        return super().forward(step) + seen.node_embedding[0].square().sum()


class ReadsNothing(CrossEntropy):
    def forward(self, step):
        return nn.functional.cross_entropy(
            torch.zeros_like(step.views["clean"].head("bag").logits), step.target
        )


class SumOverSlides(CrossEntropy):
    def forward(self, step):
        return super().forward(step) * len(step.target)


class NotAScalar(CrossEntropy):
    def forward(self, step):
        return super().forward(step).unsqueeze(0)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (NaNWithoutMask, "one by one|no node masked"),
        (WeighsLargeSlides, "mean of its slides"),
        (FirstNodeOnly, "order of the patches|mean of its slides"),
        (ReadsNothing, "depends on the logits"),
        (SumOverSlides, "mean of its slides"),
        (NotAScalar, "a scalar"),
    ],
)
def test_objective_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_objective(fault)


def test_nan_with_no_masked_node_is_caught_where_slides_may_be_compared():
    with pytest.raises(AssertionError, match=r"a loss with no node masked, in finite numbers"):
        check_objective(NaNWithoutMask, per_slide=False)
