"""ILRA's pool and the transformer pool against loops, head by head and row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError
from wsigraph.nn.aggregators.ilra import ILRA
from wsigraph.nn.aggregators.transformer import Transformer
from wsigraph.nn.layers.cross_attention import CrossAttention, GatedCrossAttention
from wsigraph.testing.slides import make_slides


def mapped(linear, x):
    out = x @ linear.weight.detach().numpy().T
    return out if linear.bias is None else out + linear.bias.detach().numpy()


def normed(norm, x):
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + norm.eps)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def attention(query, key, heads):
    """Weights of each head, one query and one key at a time."""
    wide = query.shape[1] // heads
    weight = np.zeros((heads, len(query), len(key)))
    for head in range(heads):
        own = slice(head * wide, (head + 1) * wide)
        for i in range(len(query)):
            e = np.array([np.exp(query[i, own] @ key[j, own] / np.sqrt(wide)) for j in range(len(key))])
            weight[head, i] = e / e.sum()
    return weight


def heard(weight, value):
    wide = value.shape[1] // len(weight)
    return np.concatenate([w @ value[:, h * wide : (h + 1) * wide] for h, w in enumerate(weight)], axis=1)


def cross_by_loops(layer, query, rows):
    asked = mapped(layer.asks, query)
    key, value = np.split(mapped(layer.packed, rows), 2, axis=1)
    weight = attention(mapped(layer.turn, asked), key, layer.heads)
    out = normed(layer.norm, asked + mapped(layer.project, heard(weight, value)))
    out = normed(layer.last_norm, out + np.maximum(mapped(layer.after, out), 0))
    if isinstance(layer, GatedCrossAttention):
        gate = mapped(layer.gate[0], query)
        out = out * gate / (1 + np.exp(-gate))
    return out, weight


@pytest.mark.parametrize("kind", [CrossAttention, GatedCrossAttention])
def test_cross_attention_equals_loops(kind):
    torch.manual_seed(0)
    layer = kind(5, 3, 8, heads=2).double()
    query, rows = torch.randn(4, 5, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    want, _ = cross_by_loops(layer, query.numpy(), rows.numpy())
    np.testing.assert_allclose(layer(query, rows).detach(), want, atol=1e-10)


def test_ilra_equals_loops():
    torch.manual_seed(0)
    slides, pool = make_slides(6), ILRA(6, hidden_channels=8, heads=2, latents=3).double()
    with torch.no_grad():
        out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        x = slides.x[slides.rows(slide)].numpy()
        for block in pool.layers:
            gathered, _ = cross_by_loops(block.gather, block.latents.detach().numpy(), x)
            x, _ = cross_by_loops(block.spread, x, gathered)
        z, weight = cross_by_loops(pool.pool, pool.seed.detach().numpy(), x)
        np.testing.assert_allclose(out.embedding[slide], z[0], atol=1e-10)
        np.testing.assert_allclose(out.attention[slides.rows(slide)], weight[:, 0].T, atol=1e-10)


def test_with_one_latent_every_patch_hears_the_same():
    """What the authors' configuration of one latent means: its attention is 1 whatever the patch."""
    torch.manual_seed(0)
    x = torch.randn(6, 5, dtype=torch.float64)
    for latents, same in ((1, True), (2, False)):
        block = ILRA(5, hidden_channels=8, heads=2, latents=latents).double().layers[0]
        gathered = block.gather(block.latents, x)
        _, logits = block.spread.with_logits(x, gathered)
        weight = logits.softmax(-1)
        assert torch.allclose(weight, weight[:, :1].expand_as(weight), atol=1e-9) == same


def block_by_loops(block, x):
    query, key, value = np.split(mapped(block.packed, normed(block.attention_norm, x)), 3, axis=1)
    x = x + mapped(block.after[0], heard(attention(query, key, block.heads), value))
    middle = mapped(block.mlp[1], normed(block.mlp[0], x))
    return x + mapped(block.mlp[4], torch.nn.functional.gelu(torch.from_numpy(middle)).numpy())


@pytest.mark.parametrize("layers", [1, 3])
def test_the_transformer_equals_loops(layers):
    torch.manual_seed(0)
    slides, pool = make_slides(6), Transformer(6, heads=2, num_layers=layers, widening=2).double()
    with torch.no_grad():
        out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        x = np.concatenate([pool.token.detach().numpy(), slides.x[slides.rows(slide)].numpy()])
        for block in pool.blocks:
            x = block_by_loops(block, x)
        query, key, _ = np.split(mapped(pool.last.packed, normed(pool.last.attention_norm, x)), 3, axis=1)
        to_patches = attention(query, key, 2)[:, 0, 1:]
        to_patches = to_patches / to_patches.sum(1, keepdims=True)
        np.testing.assert_allclose(out.attention[slides.rows(slide)], to_patches.T, atol=1e-10)
        z = normed(pool.norm, block_by_loops(pool.last, x))[0]
        np.testing.assert_allclose(out.embedding[slide], z, atol=1e-10)


def test_no_matrix_of_patches_by_patches_is_kept(largest):
    """Full self-attention in single precision runs in torch's fused kernel: nothing of n x n is made."""
    n = 3000
    pool, x = Transformer(16, heads=2), torch.randn(n, 16, requires_grad=True)
    with largest:
        pool(x, Bags.of_sizes([n])).embedding.sum().backward()
    assert largest.nbytes < 4 * n * 16 * 8


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(RecipeError, match="CrossAttention: expected heads that divide its 9 channels, got 2"):
        ILRA(6, hidden_channels=9, heads=2)
    with pytest.raises(
        RecipeError, match="TransformerBlock: expected heads that divide its 6 channels, got 4"
    ):
        Transformer(6, heads=4)
    with pytest.raises(RecipeError, match="at least 1 layer, got 0"):
        Transformer(6, heads=2, num_layers=0)
    with pytest.raises(RecipeError, match="at least 1 layer and 1 latent, got 2 and 0"):
        ILRA(6, latents=0)
