"""Label-free pretraining learns what the tissue around a hidden patch says of it."""

from __future__ import annotations

import math

import pytest
import torch

from wsigraph.data.spatial_graph import SpatialGraph

SIDE = 10


def edges():
    """Each patch with its eight neighbours and itself."""
    at = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float()
    return torch.nonzero(torch.cdist(at, at) < 1.5).T.contiguous()


def slide(seed, *, shuffled):
    """Stripes of two tissues with a little noise, or the same patches in no order; no label."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randn(2, 8, generator=torch.Generator().manual_seed(99))
    stripe = torch.arange(SIDE * SIDE) // (4 * SIDE) % 2
    x = kinds[stripe] - kinds.mean(0) + 0.2 * torch.randn(SIDE * SIDE, 8, generator=generator)
    x = x[torch.randperm(len(x), generator=generator)] if shuffled else x
    graph = SpatialGraph(x, edges(), pos=torch.zeros(SIDE * SIDE, 2), slide_id=f"s{seed}")
    graph.y = torch.tensor([-1])
    return graph


@pytest.fixture(params=[False, True], ids=["stripes", "no order"])
def losses(request, small, run_training, tmp_path):
    """Validation loss by epoch."""
    method = small("srmil_pretrain", optimiser__epochs=8, optimiser__lr=1e-2, sampler__slides_per_step=1)
    graphs = [slide(seed, shuffled=request.param) for seed in range(16)]
    trained = run_training(method, graphs[:12], graphs[12:], tmp_path)
    assert all(math.isfinite(row["val_total"]) and "val_loss" not in row for row in trained.history)
    return request.param, [row["val_reconstruction"] for row in trained.history]


def test_the_reconstruction_loss_falls_where_neighbours_tell_and_not_where_they_do_not(losses):
    shuffled, values = losses
    if shuffled:
        assert values[-1] > 0.6
    else:
        assert values[-1] < 0.3
        assert values[-1] < 0.9 * values[0]
