"""Linear maps of rows that are never written out, against rows written out."""

from __future__ import annotations

import pytest
import torch

from wsigraph.nn.kernels import row_projection
from wsigraph.nn.kernels.row_projection import Draw, project_rows

N, C = 23, 11


def made(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def leaves():
    values, token, added = made(N, C, seed=1), made(1, C, seed=2), made(2, C, seed=3)
    weights = made(5, C, seed=4), made(3, C, seed=5)
    return [t.requires_grad_() for t in (values, token, added, *weights)]


MASK = torch.arange(N) % 3 != 1


def factors(draw):
    """What each entry of each row is multiplied by."""
    return row_projection._factors(torch.arange(N + 2), draw, like=made(1, C, seed=0))


@pytest.fixture(params=[1, 4, 2048], ids=lambda size: f"blocks of {size}")
def block(request, monkeypatch):
    monkeypatch.setattr(row_projection, "BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("p", [0.0, 0.11, 1.0])
@pytest.mark.parametrize("mask", [None, MASK, MASK | True], ids=["no mask", "masked", "all masked"])
def test_outputs_and_gradients_equal_rows_written_out(p, mask):
    ours, plain = leaves(), leaves()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        values, token, added, *weights = ours
        got = project_rows(values, tuple(weights), mask=mask, token=token, added=added, dropout=p)
        torch.manual_seed(7)
        draw = Draw.of(p)
    values, token, added, *weights = plain
    rows = values if mask is None else torch.where(mask.unsqueeze(1), token, values)
    rows = torch.cat([rows, added]) * factors(draw)
    sums = [], []
    for one, weight in zip(got, weights, strict=True):
        torch.testing.assert_close(one, rows @ weight.T, rtol=0, atol=1e-12)
        direction = made(*one.shape, seed=9)
        sums[0].append((one * direction).sum())
        sums[1].append((rows @ weight.T * direction).sum())
    sum(sums[0]).backward()
    sum(sums[1]).backward()
    for mine, wanted in zip(ours, plain, strict=True):
        grad = torch.zeros_like(wanted) if wanted.grad is None else wanted.grad
        torch.testing.assert_close(mine.grad, grad, rtol=0, atol=1e-12)


def test_gradcheck():
    def run(*tensors):
        values, token, added, *weights = tensors
        torch.manual_seed(3)
        return project_rows(values, tuple(weights), mask=MASK, token=token, added=added, dropout=0.3)

    with torch.random.fork_rng(devices=[]):
        assert torch.autograd.gradcheck(run, leaves())


def test_no_two_rows_or_passes_share_their_draws():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        draws = [Draw.of(0.5) for _ in range(2)]
    rows = torch.cat([row_projection._factors(torch.arange(50), d, like=torch.zeros(1, 64)) for d in draws])
    assert len({tuple(row.tolist()) for row in rows}) == 100


def test_the_share_that_is_dropped_and_the_scale_of_the_rest():
    draw = Draw(threshold=round(0.11 * 65536), seed=5)
    like = torch.zeros(1, 1024)
    kept = row_projection._factors(torch.arange(2000), draw, like=like)
    assert (kept == 0).float().mean().item() == pytest.approx(0.11, abs=0.001)
    assert kept.mean().item() == pytest.approx(1.0, abs=0.001)
    assert kept.max().item() == pytest.approx(1 / 0.89, rel=1e-4)
