"""Dropout from a counter: published vectors, statistics, the same on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.nn.kernels import numba_philox
from wsigraph.nn.kernels.dropout import dropout, keep_factors
from wsigraph.nn.layers.dropout import Dropout


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def rounds(counter, key):
    """Philox 4x32-10 in Python's integers, as Salmon et al. 2011 write it."""
    (a, b, c, d), (k, m), low = counter, key, 0xFFFFFFFF
    for _ in range(10):
        one, two = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (two >> 32) ^ b ^ k, two & low, (one >> 32) ^ d ^ m, one & low
        k, m = (k + 0x9E3779B9) & low, (m + 0xBB67AE85) & low
    return a, b, c, d


KNOWN = [  # Random123's kat_vectors, philox4x32 10
    ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "wanted"), KNOWN)
def test_published_vectors(counter, key, wanted):
    assert " ".join(f"{word:08x}" for word in rounds(counter, key)) == wanted


@pytest.mark.parametrize(("seed", "row"), [(0, 0), (2**62 - 7, 5), (0xA4093822299F31D0, 2**40 + 3)])
def test_words_of_a_row_equal_the_generator(seed, row):
    low = 0xFFFFFFFF
    words = numba_philox.philox_words(np.uint64(seed), row, 19)
    for j in range(19):
        assert tuple(words[:, j].tolist()) == rounds((j, row & low, row >> 32, 0), (seed & low, seed >> 32))


@pytest.mark.parametrize("width", [1, 4, 7, 8, 48, 65, 256])
def test_a_block_of_rows_draws_what_the_whole_draws_and_what_keep_row_says(width):
    x = np.random.default_rng(0).normal(size=(9, width)).astype(np.float32)
    whole, part = np.empty_like(x), np.empty_like(x)
    rule = (np.uint64(77), 20_000, np.float32(1.5))
    numba_philox.drop_rows(x, 100, *rule, whole)
    numba_philox.drop_rows(x[4:], 104, *rule, part[4:])
    np.testing.assert_array_equal(part[4:], whole[4:])
    keep = np.empty(-(-width // 8) * 8, np.uint8)
    for r in range(9):
        numba_philox.keep_row(np.uint64(77), 100 + r, 20_000, keep)
        np.testing.assert_array_equal(whole[r], np.where(keep[:width], x[r] * np.float32(1.5), 0))


@pytest.mark.parametrize("p", [0.11, 0.5, 0.9])
def test_share_scale_and_independence(p):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        factors = dropout(torch.ones(4000, 96), p)
        again = dropout(torch.ones(4000, 96), p)
    kept = (factors > 0).double()
    deviation = (p * (1 - p) / kept.numel()) ** 0.5
    assert abs(kept.mean().item() - (1 - p)) < 5 * deviation + 2**-16
    assert factors.max().item() == pytest.approx(1 / (1 - p), rel=1e-3)
    centred = kept - kept.mean()
    for other in (
        centred.roll(1, 0),
        centred.roll(1, 1),
        centred.roll(12, 1),
        (again > 0).double() - (1 - p),
    ):
        assert abs((centred * other).mean().item()) < 5 * p * (1 - p) / kept.numel() ** 0.5
    assert (kept.mean(0) - (1 - p)).abs().max() < 5 * (p * (1 - p) / 4000) ** 0.5
    assert (kept.mean(1) - (1 - p)).abs().max() < 5 * (p * (1 - p) / 96) ** 0.5


def test_the_seed_is_torchs_and_threads_change_nothing(threads):
    x, results = torch.randn(5000, 256), []
    for count in (1, 2):
        threads(count)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            results.append(dropout(x, 0.3))
            assert not torch.equal(results[-1], dropout(x, 0.3))
    assert torch.equal(*results)


def test_the_backward_pass_drops_the_same():
    x = torch.randn(7, 20, dtype=torch.float64, requires_grad=True)
    out = dropout(x, 0.4)
    out.sum().backward()
    torch.testing.assert_close(out.detach(), x.detach() * x.grad, rtol=0, atol=1e-15)

    def seeded(x):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return dropout(x, 0.4)

    assert torch.autograd.gradcheck(seeded, x)
    assert torch.autograd.gradgradcheck(seeded, x)


def test_all_none_and_empty():
    x = torch.randn(5, 3)
    assert dropout(x, 0.0) is x
    assert (dropout(x, 1.0) == 0).all()
    assert dropout(x[:0], 0.5).shape == (0, 3)
    assert dropout(x.T, 0.5).shape == (3, 5)
    assert keep_factors((0, 4), 0.5, like=x).shape == (0, 4)


def test_factors_multiply_to_the_same_expectation():
    factors = keep_factors((30_000, 4), 0.15, like=torch.empty(0, dtype=torch.float64))
    assert factors.shape == (30_000, 4)
    assert factors.dtype == torch.float64
    assert len(factors.unique()) == 2
    assert factors.mean().item() == pytest.approx(1.0, abs=0.01)


def test_the_layer_drops_in_training_alone_and_keeps_nothing():
    layer, x, kept = Dropout(0.25), torch.randn(300, 8, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda value: value):
        torch.manual_seed(3)
        out = layer(x)
    torch.manual_seed(3)
    assert torch.equal(out, dropout(x, 0.25))
    out.sum().backward()
    assert torch.equal(x.grad, torch.where(out == 0, 0, 4 / 3))
    assert not kept
    assert layer.eval()(x) is x
