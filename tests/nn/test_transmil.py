"""TransMIL's pool by hand, and against torchmil's with the same weights where both compute the same thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import GraphError, RecipeError
from wsigraph.nn.aggregators.transmil import TransMILPool
from wsigraph.nn.layers.ppeg import PPEG
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def ppeg_by_loops(ppeg, x, side):
    grid, out = x.reshape(side, side, -1), x.reshape(side, side, -1).copy()
    for kernel in ppeg.kernels:
        weight, bias = kernel.weight.detach().numpy()[:, 0], kernel.bias.detach().numpy()
        half = weight.shape[1] // 2
        for row in range(side):
            for column in range(side):
                out[row, column] += bias
                for i in range(-half, half + 1):
                    for j in range(-half, half + 1):
                        if 0 <= row + i < side and 0 <= column + j < side:
                            out[row, column] += weight[:, half + i, half + j] * grid[row + i, column + j]
    return out.reshape(side * side, -1)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_ppeg_equals_loops(side):
    torch.manual_seed(1)
    ppeg, x = PPEG(3).double(), torch.randn(side * side, 3, dtype=torch.float64)
    np.testing.assert_allclose(ppeg(x, side).detach(), ppeg_by_loops(ppeg, x.numpy(), side), atol=1e-10)


def by_hand(pool, x, pos):
    """The pool's steps in NumPy; the layers themselves have loops of their own in ``test_nystrom``."""
    in_order = x[np.lexsort((pos[:, 0], pos[:, 1]))]
    side = int(np.ceil(np.sqrt(len(x))))
    h = np.concatenate([pool.token.detach(), in_order, in_order[: side * side - len(x)]])
    h = h + np.asarray(pool.layers[0](torch.tensor(normed(pool.norms[0], h))).detach())
    h = np.concatenate([h[:1], ppeg_by_loops(pool.ppeg, h[1:], side)])
    h = h + np.asarray(pool.layers[1](torch.tensor(normed(pool.norms[1], h))).detach())
    return normed(pool.norms[2], h)[0]


def normed(norm, h):
    centred = h - h.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + norm.eps)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def test_the_pool_by_hand():
    slides = make_slides(6, sizes=(1, 2, 7, 12, 30))
    pool = TransMILPool(6, heads=2, landmarks=4, kernel=5).double().eval()
    with torch.no_grad():
        out = pool(slides.x, slides.bags).embedding
    for slide in range(slides.num_graphs):
        own = slides.rows(slide)
        np.testing.assert_allclose(
            out[slide], by_hand(pool, slides.x[own].numpy(), slides.pos[own].numpy()), atol=1e-10
        )


def test_the_square_follows_the_slide_and_not_the_file():
    slides = make_slides(6, sizes=(20,))
    pool = TransMILPool(6, heads=2, landmarks=4).double().eval()
    out = pool(slides.x, slides.bags).embedding
    order = slides.order_within()
    moved = slides.shuffled(order)
    torch.testing.assert_close(pool(moved.x, moved.bags).embedding, out, rtol=0, atol=1e-12)
    elsewhere = Bags(slides.batch, 1, pos=slides.pos.flip(0))
    assert (pool(slides.x, elsewhere).embedding - out).abs().max() > 1e-3


def test_without_coordinates_it_is_refused_when_built_and_when_asked():
    with pytest.raises(GraphError, match="TransMILPool: expected patches with coordinates, got none"):
        TransMILPool(8)(torch.ones(3, 8), Bags.of_sizes([3]))
    method = recipe("transmil", in_channels=4, classes=["a", "b"])
    with pytest.raises(RecipeError, match="expected features with coordinates"):
        method.with_settings({"coordinates": False})


def torchmil_twin(pool, *, iterations):
    """torchmil's TransMIL with our weights; ours without what torchmil leaves out."""
    theirs = pytest.importorskip("torchmil.models").TransMIL(
        in_shape=(6,), att_dim=6, n_heads=pool.layers[0].heads, n_landmarks=pool.layers[0].landmarks,
        pinv_iterations=iterations,
    ).double().eval()  # fmt: skip
    with torch.no_grad():
        theirs.cls_token.copy_(pool.token[None])
        for ours, layer in zip(pool.layers, theirs.layers, strict=True):
            layer.att_module.qkv_nn.weight.copy_(ours.qkv.weight)
            ours.along.weight.zero_()
            ours.project.weight.copy_(torch.eye(6))
            ours.project.bias.zero_()
        for ours, norm in zip(pool.norms, (*(one.norm1 for one in theirs.layers), theirs.norm), strict=True):
            norm.load_state_dict(ours.state_dict())
        for ours, kernel in zip(pool.ppeg.kernels, ("proj", "proj1", "proj2"), strict=True):
            getattr(theirs.pos_layer, kernel).load_state_dict(ours.state_dict())
    return theirs


@pytest.mark.parametrize(("heads", "iterations"), [(1, 6), (2, 40)])
def test_torchmil_agrees_where_it_is_transmil(heads, iterations):
    """Equal where landmarks divide the sequence, the inverse has converged or there is one head, and ours
    lacks the convolution of the values and the output projection, which the paper's code has and torchmil
    (1.0.2) has not."""
    slides = make_slides(6, sizes=(8,))  # the square and the token are 10 rows
    pool = TransMILPool(6, heads=heads, landmarks=5, iterations=iterations).double().eval()
    theirs = torchmil_twin(pool, iterations=iterations)
    in_order = slides.x[torch.from_numpy(np.lexsort(slides.pos.T.numpy()))]
    logit = theirs(in_order[None])
    embedding = pool(slides.x, slides.bags).embedding
    ours = theirs.classifier(embedding)[:, 0]
    torch.testing.assert_close(ours, logit, rtol=0, atol=1e-8)


def test_torchmil_differs_where_it_pads():
    """7 patches and the token are 10 rows, and 4 landmarks want 12: torchmil attends to 2 rows of zeros."""
    slides = make_slides(6, sizes=(7,))
    pool = TransMILPool(6, heads=1, landmarks=4, iterations=40).double().eval()
    theirs = torchmil_twin(pool, iterations=40)
    in_order = slides.x[torch.from_numpy(np.lexsort(slides.pos.T.numpy()))]
    ours = theirs.classifier(pool(slides.x, slides.bags).embedding)[:, 0]
    assert (ours - theirs(in_order[None])).abs().item() > 1e-3
