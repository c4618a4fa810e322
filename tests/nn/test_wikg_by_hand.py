"""WiKG against NumPy loops: its dot product, its best tails however they are searched, its readout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError
from wsigraph.nn.aggregators.global_attention import GlobalAttention
from wsigraph.nn.encoders.wikg import WiKG
from wsigraph.nn.layers import knowledge_attention as module
from wsigraph.nn.layers.knowledge_attention import best_tails, knowledge_attention
from wsigraph.testing.slides import make_slides


def linear(x, layer):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def leaky(x):
    return np.where(x > 0, x, 0.01 * x)


def softmax(x):
    e = np.exp(np.asarray(x) - np.max(x))
    return e / e.sum()


def attention_by_hand(heads, tails, k, *, dot=np.dot):
    out = np.zeros_like(heads)
    for i, h in enumerate(heads):
        fit = np.array([h @ t for t in tails]) / np.sqrt(len(h))
        best = np.argsort(-fit)[:k]
        p = softmax(fit[best])
        scores = []
        for share, j in zip(p, best, strict=True):
            edge = share * tails[j] + (1 - share) * h
            scores.append(dot(tails[j], np.tanh(h + edge)))
        out[i] = sum(a * tails[j] for a, j in zip(softmax(scores), best, strict=True))
    return out


def drawn(n, width, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, width, generator=generator, dtype=torch.float64).unbind()


@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 40])
def test_attention_equals_loops(n):
    heads, tails = drawn(n, 8)
    out = knowledge_attention(heads, tails, best_tails(heads, tails, k=6))
    np.testing.assert_allclose(out, attention_by_hand(heads.numpy(), tails.numpy(), 6), atol=1e-12)


def test_tail_and_gate_meet_in_a_dot_product():
    """The authors' einsum 'ijkl,ijkm->ijk' sums both over their channels before it multiplies."""
    heads, tails = drawn(9, 8)

    def product_of_sums(t, gate):
        return t.sum() * gate.sum()

    theirs = attention_by_hand(heads.numpy(), tails.numpy(), 6, dot=product_of_sums)
    near, gate = torch.randn(2, 1, 9, 6, 8, dtype=torch.float64)
    einsum = torch.einsum("ijkl,ijkm->ijk", near, gate)
    torch.testing.assert_close(einsum, near.sum(-1) * gate.sum(-1), rtol=1e-9, atol=1e-9)
    ours = knowledge_attention(heads, tails, best_tails(heads, tails, k=6)).numpy()
    assert np.abs(ours - theirs).max() > 0.1


def test_channels_that_only_cancel_in_a_sum_count():
    """Tails whose channels sum to 0 are all alike to a product of sums; here each is weighed by its fit."""
    heads = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    tails = torch.tensor([[2.0, -2.0], [-2.0, 2.0]], dtype=torch.float64)
    out = knowledge_attention(heads, tails, torch.tensor([[0, 1]]))
    plain = attention_by_hand(heads.numpy(), tails.numpy(), 2, dot=lambda t, g: t.sum() * g.sum())
    np.testing.assert_allclose(plain, 0, atol=1e-12)
    assert out[0, 0] > 1.9


@pytest.mark.parametrize("products", [1, 7, 100, 10**6])
def test_best_tails_however_many_heads_at_a_time(products):
    heads, tails = drawn(23, 8)
    wanted = np.argsort(-(heads @ tails.T).numpy(), axis=1)[:, :6]
    np.testing.assert_array_equal(best_tails(heads, tails, k=6, products=products), wanted)


def test_fewer_tails_than_wanted_leave_places_empty():
    heads, tails = drawn(3, 8)
    found = best_tails(heads, tails, k=6)
    assert found.shape == (3, 6)
    assert [sorted(row[row < 3].tolist()) for row in found] == [[0, 1, 2]] * 3
    assert (found[:, 3:] >= 3).all()


def test_some_heads_at_a_time_give_the_same_gradients(monkeypatch):
    heads, tails = (each.requires_grad_() for each in drawn(30, 8))
    chosen = best_tails(heads, tails, k=6)
    whole = torch.autograd.grad(knowledge_attention(heads, tails, chosen).square().sum(), (heads, tails))
    monkeypatch.setattr(module, "HEADS", 7)
    parts = torch.autograd.grad(knowledge_attention(heads, tails, chosen).square().sum(), (heads, tails))
    for one, other in zip(parts, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_no_tensor_has_a_number_for_each_pair_of_patches(largest):
    encoder = WiKG(4, hidden_channels=4)
    x = torch.randn(5_000, 4, requires_grad=True)
    with largest:
        encoder.mix(encoder.stem(x), Bags.of_sizes([5_000])).square().sum().backward()
    assert largest.nbytes <= 4 * module.PRODUCTS < 4 * 5_000**2


def test_encoder_equals_loops():
    slides, encoder = make_slides(6), WiKG(6, hidden_channels=8).double().eval()
    out = encoder.mix(encoder.stem(slides.x), slides.bags)
    for slide in range(slides.num_graphs):
        e = leaky(linear(slides.x[slides.rows(slide)].numpy(), encoder.linear))
        e = 0.5 * (e + e.mean(0))
        heads, tails = linear(e, encoder.head), linear(e, encoder.tail)
        heard = attention_by_hand(heads, tails, 6)
        wanted = leaky(linear(heads + heard, encoder.of_sum))
        wanted = wanted + leaky(linear(heads * heard, encoder.of_product))
        np.testing.assert_allclose(out[slides.rows(slide)].detach(), wanted, atol=1e-10)


def test_places_and_edges_are_not_read():
    slides, encoder = make_slides(6), WiKG(6, hidden_channels=8).double().eval()
    bare = Bags(slides.batch, slides.num_graphs)
    stem = encoder.stem(slides.x)
    assert torch.equal(encoder.mix(stem, bare), encoder.mix(stem, slides.bags))


def test_readout_equals_loops():
    slides, pool = make_slides(6), GlobalAttention(6).double()
    torch.nn.init.normal_(pool.norm.weight)
    out = pool(slides.x, slides.bags)
    assert pool.value.out_features == 3
    for slide in range(slides.num_graphs):
        x = slides.x[slides.rows(slide)].numpy()
        a = softmax(linear(leaky(linear(x, pool.value)), pool.score)[:, 0])
        z = (a[:, None] * x).sum(0)
        wanted = (z - z.mean()) / np.sqrt(z.var() + pool.norm.eps) * pool.norm.weight.detach().numpy()
        np.testing.assert_allclose(out.attention[slides.rows(slide), 0].detach(), a, atol=1e-12)
        np.testing.assert_allclose(out.embedding[slide].detach(), wanted, atol=1e-10)


def test_a_head_without_a_tail_is_refused():
    with pytest.raises(RecipeError, match="WiKG: expected at least 1 neighbour, got 0"):
        WiKG(6, neighbours=0)
