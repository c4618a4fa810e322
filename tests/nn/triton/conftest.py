"""Small graphs for the Triton kernels, on the GPU or, under Triton's interpreter, on the CPU."""

from __future__ import annotations

import os

import pytest
import torch

from wsigraph.data.adjacency import Adjacency

DEVICE = "cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda"
GRAPHS = {
    "plain": {},
    "bipartite": {"sources": 5, "targets": 8},
    "one node": {"sources": 1, "targets": 1, "edges": 1},
    "no edges": {"edges": 0},
    "hub": {"edges": 14, "hub": 16},
}


def make_edges(*, sources=7, targets=7, edges=24, hub=0, seed=0):
    """Edges sorted by target, some twice, none into every fifth target; a hub has edges from and to many."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(sources, (edges,), generator=generator)
    target = torch.randint(targets, (edges,), generator=generator)
    if targets > 1:
        target[target % 5 == 0] = 1
    into = torch.stack([torch.randint(sources, (hub,), generator=generator), torch.full((hub,), 2)])
    out = torch.stack([torch.full((hub,), 3), torch.randint(targets, (hub,), generator=generator)])
    both = torch.cat([torch.stack([source, target]), into, out[:, out[1] % 5 != 0]], dim=1)
    return both[:, torch.argsort(both[1], stable=True)], sources, targets


@pytest.fixture(params=["bfloat16", "float16"])
def half(request):
    """A type of half precision and the relative step of its rounding."""
    if request.param == "float16":
        return torch.float16, 2**-11
    return torch.bfloat16, 2**-8 if DEVICE == "cuda" else 2**-7  # the interpreter truncates, a GPU rounds


@pytest.fixture
def device():
    """Where the kernels run."""
    return DEVICE


@pytest.fixture(params=list(GRAPHS))
def adjacency(request):
    """Graphs that differ in what can go wrong."""
    edges, sources, targets = make_edges(**GRAPHS[request.param])
    return Adjacency(edges.to(DEVICE), targets, sources)


@pytest.fixture
def hub():
    """A graph with a long row each way."""
    edges, sources, targets = make_edges(**GRAPHS["hub"])
    return Adjacency(edges.to(DEVICE), targets, sources)


@pytest.fixture
def short_parts(monkeypatch):
    """Cut rows into parts from seven edges on, as those of more than a thousand are."""
    from wsigraph.nn.kernels import triton_rows

    monkeypatch.setattr(triton_rows, "SPLIT", 7)
