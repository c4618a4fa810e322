"""PNA against NumPy loops, PyG's layer with the same weights, and what its scalers are for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import PNAConv
from torch_geometric.nn.aggr import Aggregation, VarAggregation

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.layers.pna import PNALayer
from wsigraph.testing.slides import make_slides


def layer(in_channels=6, out_channels=4, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = PNALayer(in_channels, out_channels, plain=True, **options).double()
        for bias in (made.target.bias, made.own.bias):
            nn.init.normal_(bias)
        return made


def test_equals_loops():
    slides, made = make_slides(6), layer()
    edges = torch.cat([slides.edge_index, torch.tensor([[3], [14]])], 1)[
        :, 4:
    ]  # one way only; some lone ends
    edges = edges[:, edges[1] != 7]  # nothing enters node 7
    value = {name: p.detach().numpy() for name, p in made.named_parameters()}
    x, wanted = slides.x.numpy(), []
    for v in range(len(x)):
        near = [u for u, w in edges.T.tolist() if w == v]
        said = value["own.weight"] @ x[v] + value["own.bias"]
        if near:
            messages = np.stack(
                [
                    value["target.weight"] @ x[v] + value["target.bias"] + value["source.weight"] @ x[u]
                    for u in near
                ]
            )
            spread = np.sqrt((messages**2).mean(0) - messages.mean(0) ** 2 + 1e-5)
            four = np.concatenate([messages.mean(0), messages.max(0), messages.min(0), spread])
            amount = math.log(len(near) + 1) / math.log(10)
            for matrix, scale in zip(
                np.split(value["summaries.weight"], 3), (1, amount, 1 / amount), strict=True
            ):
                said = said + scale * (matrix @ four)
        wanted.append(said)
    out = made(slides.x, Adjacency.of(edges, len(x))).detach().numpy()
    np.testing.assert_allclose(out, np.stack(wanted), rtol=0, atol=1e-10)


class PaperStd(Aggregation):
    """The paper's root of variance + 1e-5, where PyG cuts the variance off at 1e-5."""

    def __init__(self):
        super().__init__()
        self.variance = VarAggregation()

    def forward(self, x, index=None, ptr=None, dim_size=None, dim=-2):
        has = torch.zeros(dim_size, dtype=x.dtype).index_fill_(0, index, 1.0).view(-1, 1, 1)
        return (self.variance(x, index, ptr, dim_size, dim).clamp(min=0) + 1e-5).sqrt() * has


@pytest.mark.parametrize("loops", [True, False], ids=["loops", "no loops"])
def test_equals_pyg_with_the_same_weights(loops):
    slides, ours = make_slides(6), layer()
    histogram = torch.zeros(10, dtype=torch.long)
    histogram[9] = 1  # every node of the training set has 9 neighbours: delta is log 10
    theirs = PNAConv(
        6, 4, ["mean", "max", "min", PaperStd()], ["identity", "amplification", "attenuation"], histogram
    ).double()
    theirs.aggr_module.avg_deg_log.fill_(math.log(10))  # was rounded to single precision
    with torch.no_grad():
        before, after = theirs.pre_nns[0][0], theirs.post_nns[0][0]
        before.weight.copy_(torch.cat([ours.target.weight, ours.source.weight], 1))
        before.bias.copy_(ours.target.bias)
        after.weight.copy_(torch.cat([ours.own.weight, *ours.summaries.weight.chunk(3)], 1))
        after.bias.copy_(ours.own.bias)
        theirs.lin.weight.copy_(torch.eye(4))  # it mixes towers, and there is one
        theirs.lin.bias.zero_()
    edges = slides.edge_index
    edges = edges if loops else edges[:, edges[0] != edges[1]]  # the patch that is alone hears nothing
    found = []
    for run, structure in ((ours, Adjacency.of(edges, len(slides.x))), (theirs, edges)):
        x = slides.x.clone().requires_grad_()
        out = run(x, structure)
        out.square().sum().backward()
        found.append((out.detach(), x.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(ours.summaries.weight.grad, torch.cat(after.weight.grad[:, 6:].split(24, 1)))


def test_scalers_are_one_at_the_typical_degree_and_tell_degrees_apart():
    x = torch.ones(12, 6, dtype=torch.float64)  # all alike: only degrees differ
    targets = torch.tensor([0] * 9 + [1] * 3)
    edges = Adjacency.of(torch.stack([torch.arange(12), targets]), 12)
    made = layer(typical_degree=9)
    first, second = made.exchange(x, edges)[:2]
    assert (first - second).abs().min() > 1e-6  # mean, max, min and spread alone could not tell
    with torch.no_grad():
        plain = made.summaries.weight.view(3, 4, 24)
        together = plain.sum(0)
        plain.zero_()
        plain[0] = together
    torch.testing.assert_close(made.exchange(x, edges)[0], first)  # at degree 9 all scalers are 1
