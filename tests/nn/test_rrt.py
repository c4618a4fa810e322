"""R2T's regions and its two attentions against loops, and that regions are what it attends in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.nn.encoders.rrt import RRT
from wsigraph.nn.layers.region_attention import CrossRegionAttention, RegionAttention
from wsigraph.nn.layers.regions import square_regions
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def regions_by_loops(n, regions):
    """Cells of each region, one cell of the square at a time."""
    side = int(np.ceil(np.sqrt(n)))
    while side % regions:
        side += 1
    step, found = side // regions, {}
    for cell in range(n):
        row, column = divmod(cell, side)
        found.setdefault((row // step, column // step), []).append(cell)
    return sorted(found.values())


def mapped(linear, x):
    return x @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def normed(norm, x):
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + norm.eps)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def attention(q, k, v, taps):
    """One head: logits, their convolution over the queries tap by tap, weights."""
    logits = q @ k.T / np.sqrt(q.shape[1])
    near, half = logits.copy(), len(taps) // 2
    for i in range(len(q)):
        for tap, weight in enumerate(taps):
            if 0 <= i + tap - half < len(q):
                near[i] += weight * logits[i + tap - half]
    return softmax(near, 1) @ v


def multihead(layer, x, taps):
    out, wide = np.zeros_like(x), x.shape[1] // layer.heads
    q, k, v = np.split(mapped(layer.qkv, x), 3, axis=1)
    for head in range(layer.heads):
        own = slice(head * wide, (head + 1) * wide)
        out[:, own] = attention(q[:, own], k[:, own], v[:, own], taps[head])
    return mapped(layer.project[0], out)


def inside_by_loops(layer, x, regions):
    out, taps = np.zeros_like(x), layer.along.weight.detach().numpy()[:, 0, :, 0]
    for cells in regions:
        out[cells] = multihead(layer, x[cells], taps)
    return out


def across_by_loops(layer, x, regions):
    out, phi = np.zeros_like(x), layer.weigh.detach().numpy()
    for k in range(phi.shape[1]):
        sums = np.stack([softmax(x[cells] @ phi, 0)[:, k] @ x[cells] for cells in regions])
        mixed = multihead(layer, sums, np.zeros((layer.heads, 1)))
        for cells, there in zip(regions, mixed, strict=True):
            logits = x[cells] @ phi
            low, high = logits[:, k].min(), logits[:, k].max()
            share = softmax(logits, 1)[:, k] * (logits[:, k] - low) / (high - low + 1e-8)
            out[cells] += share[:, None] * there
    return out


def cells_of(groups):
    return sorted(sorted(row) for group in groups for row in group.tolist())


@pytest.mark.parametrize("regions", [1, 2, 3, 8])
@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 63, 64, 65, 200])
def test_regions_are_those_of_the_square(n, regions):
    groups = square_regions(n, regions)
    assert cells_of(groups) == regions_by_loops(n, regions)
    assert all((group.diff(dim=1) > 0).all() for group in groups)  # row by row inside each
    assert len({group.shape[1] for group in groups}) == len(groups)  # one group for each size


@pytest.mark.parametrize("n", [1, 7, 16, 30])
def test_both_attentions_equal_loops(n):
    torch.manual_seed(0)
    inside = RegionAttention(6, heads=2, kernel=5).double()
    across = CrossRegionAttention(6, heads=2, sums=3).double()
    x, regions = torch.randn(n, 6, dtype=torch.float64), square_regions(n, 2)
    cells = regions_by_loops(n, 2)
    np.testing.assert_allclose(
        inside(x, regions).detach(), inside_by_loops(inside, x.numpy(), cells), atol=1e-10
    )
    np.testing.assert_allclose(
        across(x, regions).detach(), across_by_loops(across, x.numpy(), cells), atol=1e-10
    )


def test_the_encoder_by_hand():
    torch.manual_seed(0)
    slides = make_slides(5, sizes=(1, 30, 9))
    encoder = RRT(5, hidden_channels=6, heads=2, regions=2, kernel=3, num_layers=2).double().eval()
    with torch.no_grad():
        out = encoder.mix(encoder.stem(slides.x), slides.bags)
    for slide in range(slides.num_graphs):
        own = slides.rows(slide)
        pos = slides.pos[own].numpy()
        order = np.lexsort((pos[:, 0], pos[:, 1]))
        h = np.maximum(mapped(encoder.linear, slides.x[own].numpy()), 0)[order]
        cells = regions_by_loops(len(h), 2)
        for norm, layer in zip(encoder.norms, encoder.inside, strict=False):
            h = h + inside_by_loops(layer, normed(norm, h), cells)
        h = h + across_by_loops(encoder.across, normed(encoder.norms[2], h), cells)
        np.testing.assert_allclose(out[own][order], normed(encoder.norms[3], h), atol=1e-9)


def heard(run, x):
    """``[n, n]``: whether the answer of row i moves with row j."""
    jacobian = torch.autograd.functional.jacobian(run, x)
    return jacobian.abs().amax((1, 3)) > 0


def test_a_patch_hears_its_region_first_and_then_all():
    """What makes it R2T, and what a pool called RRT without regions lacks."""
    torch.manual_seed(0)
    x, regions = torch.randn(30, 6, dtype=torch.float64), square_regions(30, 2)
    same = torch.zeros(30, 30, dtype=torch.bool)
    for group in regions:
        for cells in group:
            same[cells.unsqueeze(1), cells] = True
    inside = RegionAttention(6, heads=2).double()
    across = CrossRegionAttention(6, heads=2).double()
    assert not same.all()
    assert torch.equal(heard(lambda rows: inside(rows, regions), x), same)
    assert heard(lambda rows: across(rows, regions), x)[~same].float().mean() > 0.9


def test_nothing_as_large_as_the_logits_is_kept(largest):
    n = 16_384  # 64 regions of 256 patches: 2 heads of logits would be 8 x n numbers per patch of x
    inside = RegionAttention(16, heads=2)
    x, regions = torch.randn(n, 16, requires_grad=True), square_regions(n, 8)
    with largest:
        inside(x, regions).sum().backward()
    assert largest.nbytes <= 4 * n * 16 * 4


def test_the_recipe_attends_in_regions():
    model, _ = recipe("rrt", in_channels=6, classes=["a", "b"]).build()
    assert [len(model.encoder.inside), model.encoder.regions] == [1, 8]
    assert isinstance(model.encoder.across, CrossRegionAttention)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(
        RecipeError, match="RegionAttention: expected heads that divide its 6 channels, got 4"
    ):
        RRT(6, hidden_channels=6, heads=4)
    with pytest.raises(RecipeError, match="at least 1 region along each side, got 0"):
        RRT(6, regions=0)
    with pytest.raises(RecipeError, match="RegionAttention: expected an odd kernel, got 4"):
        RRT(6, kernel=4)
