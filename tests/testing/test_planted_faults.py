"""The kit catches what it is there to catch: sound parts spoilt in one way each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.aggregators.base import Aggregated
from wsigraph.nn.aggregators.gated_attention import GatedAttention
from wsigraph.nn.aggregators.mean import Mean
from wsigraph.nn.encoders.gat import GAT
from wsigraph.nn.encoders.mlp import MLP
from wsigraph.nn.heads.bag import BagHead
from wsigraph.testing import check_aggregator, check_encoder, check_head


class PoolsWholeBatch(GatedAttention):
    def forward(self, x, bags):
        out = super().forward(x, bags)
        return replace(out, embedding=out.embedding - out.embedding.mean(0))


class SoftmaxOverBatch(GatedAttention):
    def forward(self, x, bags):
        out = super().forward(x, bags)
        attention = out.attention_logits.softmax(0)
        return Aggregated(
            torch.zeros_like(out.embedding).index_add_(0, bags.batch, attention * x),
            attention,
            out.attention_logits,
        )


class LooksAtOrder(Mean):
    def forward(self, x, bags):
        return super().forward(x * torch.linspace(1, 2, len(x), dtype=x.dtype).unsqueeze(1), bags)


class FirstPatchOnly(Mean):
    def forward(self, x, bags):
        super().forward(x, bags)
        first = torch.searchsorted(bags.batch, torch.arange(bags.num_graphs))
        return Aggregated(x[first])


class SkipsEmptySlides(Mean):
    def forward(self, x, bags):
        return Aggregated(bags.sum(x) / bags.counts.clamp(min=1).unsqueeze(1))


class HidesAttention(GatedAttention):
    gives = frozenset()


class AttentionOfTwo(GatedAttention):
    def forward(self, x, bags):
        out = super().forward(x, bags)
        return replace(out, attention=2 * out.attention)


class UnsafeSoftmax(GatedAttention):
    def forward(self, x, bags):
        super().forward(x, bags)
        e = x.sum(1, keepdim=True).exp()
        a = e / bags.sum(e)[bags.batch]
        return Aggregated(bags.sum(a * x), a, e)


class ForgetsState(GatedAttention):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.scale = torch.rand(1).item()

    def forward(self, x, bags):
        out = super().forward(x, bags)
        return replace(out, embedding=out.embedding * self.scale)


class IdleParameter(GatedAttention):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.idle = nn.Parameter(torch.zeros(1))


class BreaksGradient(Mean):
    def forward(self, x, bags):
        out = super().forward(x, bags).embedding
        return Aggregated(out + out.detach())


class Noisy(Mean):
    def forward(self, x, bags):
        out = super().forward(x, bags).embedding
        return Aggregated(out + torch.rand_like(out))


class BatchNorm(Mean):
    """Batch statistics even in evaluation mode."""

    def forward(self, x, bags):
        return super().forward((x - x.mean(0)) / x.std(0), bags)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (PoolsWholeBatch, "one by one"),
        (SoftmaxOverBatch, "one by one"),
        (LooksAtOrder, "whatever the order of the patches"),
        (FirstPatchOnly, "whatever the order of the patches"),
        (SkipsEmptySlides, "GraphError for a slide without a patch"),
        (HidesAttention, "gives = "),
        (AttentionOfTwo, "sums to 1"),
        (UnsafeSoftmax, "size 10,000"),
        (ForgetsState, "new instance with its state"),
        (IdleParameter, "idle"),
        (BreaksGradient, "finite differences"),
        (Noisy, "twice in evaluation mode"),
        (BatchNorm, "one by one"),
    ],
)
def test_aggregator_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence) as caught:
        check_aggregator(fault)
    assert str(caught.value).startswith(fault.__name__)


class Small(GAT):
    def __init__(self, in_channels):
        super().__init__(in_channels, hidden_channels=8)


class StemLooksAround(Small):
    def stem(self, x):
        return super().stem(x - x.mean(0))


class NodePlaces(Small):
    def propagate(self, h, adjacency):
        return super().propagate(h, adjacency) + torch.arange(len(h), dtype=h.dtype).unsqueeze(1)


class EdgeOrder(Small):
    def propagate(self, h, adjacency):
        edges = adjacency.edge_index[:, : max(0, adjacency.edge_index.shape[1] - 3)]
        return super().propagate(h, Adjacency(edges, adjacency.num_nodes))


class MeanOfBatch(Small):
    def propagate(self, h, adjacency):
        out = super().propagate(h, adjacency)
        return out + out.mean(0)


class SaysItReadsEdges(MLP):
    uses_edges = True

    def __init__(self, in_channels):
        super().__init__(in_channels, hidden_channels=8)


class NaNWithoutEdges(Small):
    def propagate(self, h, adjacency):
        edges = adjacency.edge_index.shape[1]
        return super().propagate(h, adjacency) * (torch.tensor(float(edges)) / edges if edges else torch.nan)


class LooksFartherThanItSays(Small):
    def __init__(self, in_channels):
        super().__init__(in_channels)
        self.num_hops = 1


class RoundsLackOne(Small):
    def rounds(self):
        return super().rounds()[:-1]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (StemLooksAround, "row-wise stem"),
        (NodePlaces, "move with their nodes"),
        (EdgeOrder, "move with their nodes|any order"),
        (MeanOfBatch, "one by one"),
        (SaysItReadsEdges, "uses_edges = False"),
        (NaNWithoutEdges, "without edges"),
        (LooksFartherThanItSays, "within num_hops = 1"),
        (RoundsLackOne, "rounds, one after the other"),
    ],
)
def test_encoder_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_encoder(fault)


class HeadOfBatch(BagHead):
    def forward(self, x, bags):
        out = super().forward(x, bags)
        return replace(out, logits=out.logits - out.logits.mean(0))


class TwoClasses(BagHead):
    def __init__(self, in_channels, out_channels, **options):
        super().__init__(in_channels, 2, **options)


class PromisesNodeLogits(BagHead):
    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.gives = self.gives | {"node_logits"}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [(HeadOfBatch, "one by one"), (TwoClasses, "7 classes"), (PromisesNodeLogits, "gives")],
)
def test_head_faults(fault, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_head(partial(fault, aggregator={"name": "gated_attention"}))
