"""State spaces along a slide against their recurrences, one row and one state at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.errors import GraphError, RecipeError
from wsigraph.nn.encoders.mamba import Mamba, SRMamba
from wsigraph.nn.encoders.s4 import S4
from wsigraph.nn.kernels import selective_scan as module
from wsigraph.nn.kernels.selective_scan import PIECE, selective_scan
from wsigraph.nn.layers.mamba import MambaBlock, SRMambaBlock, strided_order
from wsigraph.nn.layers.s4d import S4D, causal_convolution, s4d_kernel
from wsigraph.testing.slides import make_slides

LENGTHS = [1, 2, 5, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 22]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def array(tensor):
    return tensor.detach().numpy()


def rows(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def s4d_by_recurrence(layer, x):
    """h_k = exp(Delta a) h_{k-1} + (exp(Delta a) - 1) / a x_k for each pole and its conjugate."""
    step, out = np.exp(array(layer.log_step)), np.zeros_like(x)
    poles = -np.exp(array(layer.log_decay)) + 1j * array(layer.frequency)
    weights = array(layer.weight)[..., 0] + 1j * array(layer.weight)[..., 1]
    for channel in range(x.shape[1]):
        for pole, weight in zip(poles[channel], weights[channel], strict=True):
            for a, w in ((pole, weight), (pole.conjugate(), weight.conjugate())):
                keep, state = np.exp(step[channel] * a), 0.0
                for k, value in enumerate(x[:, channel]):
                    state = keep * state + (keep - 1) / a * value
                    out[k, channel] += (w * state).real
    return out


@pytest.mark.parametrize("n", [1, 2, 3, 17, 100])
def test_the_convolution_is_the_recurrence(n):
    layer, x = S4D(3, states=8).double(), rows(n, 3)
    got = causal_convolution(x, layer.kernel(n))
    np.testing.assert_allclose(array(got), s4d_by_recurrence(layer, x.numpy()), atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 7, 32])
def test_causal_convolution_equals_numpy(n):
    x, kernel = rows(n, 2), rows(2, n)
    for channel in range(2):
        want = np.convolve(x[:, channel].numpy(), kernel[channel].numpy())[:n]
        np.testing.assert_allclose(causal_convolution(x, kernel)[:, channel], want, atol=1e-12)


def test_the_s4d_layer_by_hand():
    layer, x = S4D(3, states=8).double(), rows(20, 3)
    y = s4d_by_recurrence(layer, x.numpy()) + array(layer.skip) * x.numpy()
    y = array(torch.nn.functional.gelu(torch.from_numpy(y)))
    value, gate = np.split(y @ array(layer.after[2].weight).T + array(layer.after[2].bias), 2, axis=1)
    np.testing.assert_allclose(array(layer(x)), value / (1 + np.exp(-gate)), atol=1e-10)


def test_a_kernel_of_one_pole_is_its_decaying_power():
    one = torch.ones(1, 1, dtype=torch.complex128)
    got = s4d_kernel(5, step=torch.tensor([0.5]).double(), pole=-2 * one, weight=one)
    want = 2 * (1 - np.exp(-1)) / 2 * np.exp(-np.arange(5))
    np.testing.assert_allclose(got[0], want, atol=1e-12)


@pytest.fixture(params=["fused", "plain"])
def form(request, monkeypatch):
    """The fused loops, and the plain form that runs elsewhere."""
    if request.param == "plain":
        monkeypatch.setattr(module, "on_numba", lambda values: False)


def scan_inputs(n, channels=3, states=2):
    step = torch.nn.functional.softplus(rows(n, channels))
    decay = -torch.rand(channels, states, dtype=torch.float64) - 0.1
    return rows(n, channels), step, decay, rows(n, states), rows(n, states)


def scan_by_loops(x, step, decay, write, read):
    out, state = np.zeros_like(x), np.zeros_like(decay)
    for t in range(len(x)):
        for c in range(x.shape[1]):
            for s in range(decay.shape[1]):
                state[c, s] = (
                    np.exp(step[t, c] * decay[c, s]) * state[c, s] + step[t, c] * write[t, s] * x[t, c]
                )
                out[t, c] += read[t, s] * state[c, s]
    return out


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("n", LENGTHS)
def test_the_scan_equals_loops(n):
    x, step, decay, write, read = scan_inputs(n)
    got = selective_scan(x, step, decay=decay, write=write, read=read)
    want = scan_by_loops(*(one.numpy() for one in (x, step, decay, write, read)))
    np.testing.assert_allclose(got, want, atol=1e-10)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("n", LENGTHS)
def test_gradients_of_the_scan_are_those_of_the_plain_recurrence(n):
    leaves = [one.requires_grad_() for one in scan_inputs(n)]
    x, step, decay, write, read = leaves
    state, plain = torch.zeros_like(decay), []
    for t in range(n):
        state = (step[t, :, None] * decay).exp() * state + (step[t] * x[t])[:, None] * write[t]
        plain.append(state @ read[t])
    weight = rows(n, 3)
    want = torch.autograd.grad((torch.stack(plain) * weight).sum(), leaves)
    got = torch.autograd.grad(
        (selective_scan(x, step, decay=decay, write=write, read=read) * weight).sum(), leaves
    )
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def branch_by_loops(branch, packed):
    x, gate = np.split(packed, 2, axis=1)
    taps, bias, u = array(branch.before.weight)[:, 0], array(branch.before.bias), np.zeros_like(x)
    for t in range(len(x)):
        u[t] = bias
        for back in range(taps.shape[1]):
            if t - back >= 0:
                u[t] += taps[:, -1 - back] * x[t - back]
    u = u / (1 + np.exp(-u))
    rank, write, read = np.split(
        u @ array(branch.select.weight).T, [branch.rank, branch.rank + branch.states], axis=1
    )
    step = np.log1p(np.exp(rank @ array(branch.step.weight).T + array(branch.step.bias)))
    y = scan_by_loops(u, step, -np.exp(array(branch.log_decay)), write, read) + array(branch.skip) * u
    return y * gate / (1 + np.exp(-gate))


@pytest.mark.parametrize("n", [1, 3, 30])
def test_the_mamba_block_by_hand(n):
    block, x = MambaBlock(4, states=3).double(), rows(n, 4)
    packed = x.numpy() @ array(block.widen.weight).T
    want = branch_by_loops(block.branch, packed) @ array(block.narrow.weight).T
    np.testing.assert_allclose(array(block(x)), want, atol=1e-10)


@pytest.mark.parametrize("n", [1, 3, 4, 30])
def test_the_reordered_block_by_hand(n):
    block, x = SRMambaBlock(4, states=3, stride=4).double(), rows(n, 4)
    packed = x.numpy() @ array(block.widen.weight).T
    order = [row for first in range(4) for row in range(first, n, 4)]
    strided = np.zeros((n, 8))
    strided[order] = branch_by_loops(block.strided, packed[order])
    want = (branch_by_loops(block.branch, packed) + strided) @ array(block.narrow.weight).T
    np.testing.assert_allclose(array(block(x)), want, atol=1e-10)


def test_a_stride_of_one_is_the_order_itself():
    assert strided_order(7, 1).tolist() == list(range(7))
    assert strided_order(7, 3).tolist() == [0, 3, 6, 1, 4, 2, 5]
    assert strided_order(2, 10).tolist() == [0, 1]


def heard(encoder, slides):
    """``[n, n]``: whether patch i hears patch j, both in raster order."""
    h = encoder.stem(slides.x).abs() + 0.1  # so that no ReLU silences a patch
    jacobian = torch.autograd.functional.jacobian(lambda x: encoder.mix(x, slides.bags), h)
    order = np.lexsort(slides.pos.T.numpy())
    return (jacobian.abs().amax((1, 3)) > 1e-12)[order][:, order]


def test_a_patch_hears_those_before_it_in_raster_order_and_the_reordered_one_more():
    slides = make_slides(5, sizes=(12,))
    before = torch.ones(12, 12).tril().bool()
    options = {"hidden_channels": 4, "num_layers": 1}
    assert torch.equal(heard(Mamba(5, **options).double().eval(), slides), before)
    assert torch.equal(heard(S4(5, hidden_channels=4).double().eval(), slides), before)
    strided = heard(SRMamba(5, stride=4, **options).double().eval(), slides)
    assert torch.equal(strided & before, before)
    assert strided[1, [0, 1, 4, 8]].all()  # of every fourth patch, all come before the second
    assert not strided[0, 1:].any()


def test_steps_start_between_a_thousandth_and_a_tenth():
    steps = torch.nn.functional.softplus(MambaBlock(64).branch.step.bias)
    assert 0.9e-3 < steps.min() < 3e-3
    assert 0.03 < steps.max() < 0.11


@pytest.mark.usefixtures("form")
def test_states_are_never_all_there_at_once(largest):
    n, channels, states = 20 * PIECE, 8, 16
    x, step = (torch.rand(n, channels, requires_grad=True) for _ in range(2))
    write, read = (torch.rand(n, states, requires_grad=True) for _ in range(2))
    with largest:
        decay = -torch.rand(channels, states)
        selective_scan(x, step, decay=decay, write=write, read=read).sum().backward()
    assert largest.nbytes <= 4 * n * states
    with largest:
        S4D(channels, states=64)(x).sum().backward()
    assert largest.nbytes < 4 * n * channels * 8  # half the states, complex, would be 64 numbers per x


@pytest.mark.parametrize("kind", [S4, Mamba, SRMamba])
def test_the_order_of_the_file_does_not_matter(kind):
    slides = make_slides(5, sizes=(30, 1, 7))
    encoder = kind(5, hidden_channels=4).double().eval()
    out = encoder.mix(encoder.stem(slides.x), slides.bags)
    order = slides.order_within()
    moved = slides.shuffled(order)
    torch.testing.assert_close(encoder.mix(encoder.stem(moved.x), moved.bags), out[order], rtol=0, atol=1e-12)


def test_what_cannot_be_is_refused():
    with pytest.raises(RecipeError, match="Encoder 'mamba': expected at least 1 layer, got 0"):
        Mamba(4, num_layers=0)
    with pytest.raises(RecipeError, match="Encoder 'sr_mamba': expected a stride of at least 1, got 0"):
        SRMamba(4, stride=0)
    slides = make_slides(4)
    for kind in (S4, Mamba):
        with pytest.raises(GraphError, match="expected patches with coordinates, got none"):
            kind(4, hidden_channels=4).double()(slides.x, slides.adjacency)
