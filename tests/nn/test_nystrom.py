"""Attention through landmarks: against loops, against exact attention, and what its usual form gets wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.nn.layers.multihead import attend, split_heads
from wsigraph.nn.layers.nystrom import (
    NystromAttention,
    pseudo_inverse_times,
    segment_means,
    through_landmarks,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def rows(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def by_loops(layer, x):
    """The layer's equation head by head, segment by segment and tap by tap, with NumPy's own inverse."""
    n, width = x.shape
    wide = width // layer.heads
    qkv = x @ layer.qkv.weight.detach().numpy().T
    taps = layer.along.weight.detach().numpy()[:, 0, :, 0]
    half = taps.shape[1] // 2
    out = np.zeros((n, width))
    for head in range(layer.heads):
        own = slice(head * wide, (head + 1) * wide)
        q, k, v = (qkv[:, part * width : (part + 1) * width][:, own] for part in range(3))
        if n <= layer.landmarks:
            out[:, own] = softmax(q @ k.T / np.sqrt(wide)) @ v
        else:
            runs = np.array_split(np.arange(n), layer.landmarks)
            few_q, few_k = (np.stack([a[run].mean(0) for run in runs]) for a in (q, k))
            among = np.linalg.pinv(softmax(few_q @ few_k.T / np.sqrt(wide)))
            spread = softmax(q @ few_k.T / np.sqrt(wide)) @ among
            out[:, own] = spread @ softmax(few_q @ k.T / np.sqrt(wide)) @ v
        for i in range(n):
            for tap in range(taps.shape[1]):
                if 0 <= i + tap - half < n:
                    out[i, own] += taps[head, tap] * v[i + tap - half]
    return out @ layer.project.weight.detach().numpy().T + layer.project.bias.detach().numpy()


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 14])
@pytest.mark.parametrize("heads", [1, 3])
def test_the_layer_equals_loops(n, heads):
    layer = NystromAttention(6, heads=heads, landmarks=4, iterations=40, kernel=5).double().eval()
    x = rows(n, 6)
    np.testing.assert_allclose(layer(x).detach(), by_loops(layer, x.numpy()), atol=1e-10)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 17, 40])
@pytest.mark.parametrize("kernel", [1, 5, 33])
def test_the_first_row_alone_is_the_first_row(n, kernel):
    layer = NystromAttention(6, heads=2, landmarks=4, kernel=kernel).double().eval()
    x = rows(n, 6).requires_grad_()
    whole, alone = layer(x)[:1], layer.of_first(x)
    torch.testing.assert_close(alone, whole, rtol=0, atol=1e-12)
    weights = [x, *layer.parameters()]
    wanted = torch.autograd.grad(whole.sum(), weights, retain_graph=True)
    for got, want in zip(torch.autograd.grad(alone.sum(), weights), wanted, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("iterations", "gap"), [(6, 0.1), (40, 1e-10)])
def test_with_as_many_landmarks_as_rows_it_is_exact_attention(iterations, gap):
    q, k, v = (split_heads(rows(12, 8), 2) for _ in range(3))
    out = through_landmarks(q, k, v, landmarks=(q, k), iterations=iterations)
    torch.testing.assert_close(out, attend(q, k, v), rtol=0, atol=gap)


def test_attend_equals_numpy():
    q, k, v = (split_heads(rows(n, 8), 2) for n in (3, 5, 5))
    for head in range(2):
        want = softmax(q[head].numpy() @ k[head].numpy().T / 2) @ v[head].numpy()
        np.testing.assert_allclose(attend(q, k, v)[head], want, atol=1e-12)


def test_the_iteration_reaches_the_inverse():
    matrix, right = rows(3, 5, 5), rows(3, 5, 2)
    torch.testing.assert_close(
        pseudo_inverse_times(matrix, right, iterations=40),
        torch.linalg.solve(matrix, right),
        atol=1e-8,
        rtol=0,
    )


@pytest.mark.parametrize("iterations", [1, 2, 6])
def test_steps_of_the_iteration_equal_those_of_its_equation(iterations):
    matrix, right = rows(4, 4).softmax(-1), rows(4, 3)
    a = matrix.numpy()
    z = a.T / (np.abs(a).sum(0).max() * np.abs(a).sum(1).max())
    for _ in range(iterations):
        z = (13 * z - z @ a @ (15 * z - z @ a @ (7 * z - z @ a @ z)) @ np.eye(4)) / 4
    found = pseudo_inverse_times(matrix, right, iterations=iterations)
    np.testing.assert_allclose(found, z @ right.numpy(), atol=1e-12)


def test_single_precision_keeps_its_digits_where_most_directions_are_missing():
    """The softmax of logits of rank 1: most of its singular values are too small for six steps."""
    matrix = (3 * rows(2, 64, 1) * rows(2, 1, 64)).softmax(-1)
    right = rows(2, 64, 8)
    full = pseudo_inverse_times(matrix, right)
    single = pseudo_inverse_times(matrix.float(), right.float()).double()
    assert (single - full).abs().max() < 1e-4 * full.abs().max()


def test_a_matrix_is_inverted_as_if_it_were_alone():
    """One maximum over heads and slides, as usual, makes an answer depend on what stands beside it."""
    small, large = rows(1, 4, 4).softmax(-1), 50 * rows(1, 4, 4)
    right = rows(2, 4, 3)
    together = pseudo_inverse_times(torch.cat([small, large]), right)[:1]
    torch.testing.assert_close(together, pseudo_inverse_times(small, right[:1]), rtol=0, atol=0)


@pytest.mark.parametrize(("n", "segments"), [(7, 3), (6, 3), (3, 3), (11, 4), (5, 1)])
def test_segments_are_those_of_numpy(n, segments):
    x = rows(2, n, 3)
    want = np.stack([run.mean(1) for run in np.array_split(x.numpy(), segments, axis=1)], axis=1)
    np.testing.assert_allclose(segment_means(x, segments), want, atol=1e-14)


def test_no_row_beside_the_sequence_is_attended():
    """Zero rows in front, the usual way to a length that landmarks divide, draw attention; ours has none."""
    layer = NystromAttention(6, heads=2, landmarks=4, iterations=40, kernel=1).double().eval()
    with torch.no_grad():
        layer.along.weight.zero_()
        layer.project.weight.copy_(torch.eye(6))
        layer.project.bias.zero_()
        layer.qkv.weight[12:] = torch.eye(6)
        layer.qkv.weight[:12] = 0  # every weight is 1 / n: the mean of the rows, zero rows would pull it to 0
    x = rows(9, 6)
    torch.testing.assert_close(layer(x), x.mean(0).expand(9, 6), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "options",
    [
        {"heads": 4},
        {"heads": 0},
        *({"heads": 2, **o} for o in ({"landmarks": 0}, {"iterations": 0}, {"kernel": 4})),
    ],
)
def test_sizes_that_cannot_be_are_refused(options):
    with pytest.raises(RecipeError, match="NystromAttention: expected"):
        NystromAttention(6, **options)


def test_in_mixed_precision_the_inverse_keeps_its_digits():
    layer, x = NystromAttention(32, heads=2, landmarks=8).eval(), torch.randn(100, 32)
    with torch.no_grad():
        full = layer(x), layer.of_first(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = layer(x), layer.of_first(x)
    for one, other in zip(half, full, strict=True):
        assert one.dtype == torch.bfloat16
        torch.testing.assert_close(one.float(), other, rtol=0.05, atol=0.05)
