"""What is not computed is not missed: each saving equals the plain form at dropout 0, gradients included."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.encoders.gat import GAT
from wsigraph.nn.layers.at_rows import at_rows
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.layers.into_supernodes import into_supernodes
from wsigraph.nn.views.base import Nodes, Seen
from wsigraph.nn.views.masked import Masked
from wsigraph.nn.views.supernode import Supernode
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.terms.reconstruction import Reconstruction, cosine_error
from wsigraph.testing.objectives import example_step
from wsigraph.testing.slides import make_slides


def layer_of(width, head_channels, heads, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return GATLayer(width, head_channels, heads=heads, **options).double()


def assert_same_with_gradients(plain, quick, leaves, *, tolerance=1e-10):
    """Two ways to one tensor agree, and so do the gradients of a random sum of it."""
    want, got = plain(), quick()
    torch.testing.assert_close(got, want, rtol=0, atol=tolerance)
    weight = torch.randn(want.shape, generator=torch.Generator().manual_seed(0), dtype=want.dtype)
    wanted = torch.autograd.grad((want * weight).sum(), leaves, allow_unused=True)
    for got_one, want_one in zip(
        torch.autograd.grad((got * weight).sum(), leaves, allow_unused=True), wanted, strict=True
    ):
        if want_one is None:
            assert got_one is None or bool((got_one == 0).all())
        else:
            torch.testing.assert_close(got_one, want_one, rtol=0, atol=tolerance)


@pytest.mark.parametrize("heads", [1, 2], ids=["thin side", "several heads"])
@pytest.mark.parametrize("residual", ["none", "identity", "linear"])
@pytest.mark.parametrize("rows", ["some", "none", "all"])
def test_attention_at_some_rows(heads, residual, rows):
    slides = make_slides(6)
    layer = layer_of(6, 6 if heads == 1 else 3, heads, residual=residual, plain=heads == 1)
    x = slides.x.clone().requires_grad_()
    mask = {"some": torch.arange(18) % 3 == 0, "none": torch.zeros(18).bool(), "all": torch.ones(18).bool()}[
        rows
    ]
    assert_same_with_gradients(
        lambda: layer(x, slides.adjacency)[mask],
        lambda: at_rows(layer, x, slides.adjacency, mask),
        (x, *layer.parameters()),
    )


@pytest.mark.parametrize("residual", ["none", "linear"])
def test_attention_into_supernodes_alone(residual):
    slides = make_slides(6)
    adjacency = slides.adjacency.with_hubs(slides.batch, 4)
    layer = layer_of(6, 5, 2, residual=residual)
    x = torch.cat([slides.x, torch.ones(4, 6, dtype=torch.float64)]).requires_grad_()
    assert_same_with_gradients(
        lambda: layer(x, adjacency)[18:],
        lambda: into_supernodes(layer, x, adjacency, num_nodes=18)[0],
        (x, *layer.parameters()),
    )
    attention = into_supernodes(layer, x, adjacency, num_nodes=18)[1]
    sums = torch.stack([attention[slides.rows(s)].sum(0) for s in range(4)])
    torch.testing.assert_close(sums, torch.ones(4, 2, dtype=torch.float64))


def make_views(*, masked):
    """A supernode view, with or without a mask over it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return [Supernode(6).double()] + ([Masked(6).double()] if masked else [])


def look(encoder, slides, views, stem=None):
    """What the last view sees, before any message passing."""
    stem = stem or encoder.stem
    nodes = Nodes(stem(slides.x), slides.adjacency, slides.batch, slides.num_graphs)
    seen = Seen(nodes.h, nodes.adjacency)
    mask = torch.arange(len(slides.x)) % 3 > 0
    for view in views:
        seen = view(nodes, stem, seen, mask if view.draws_mask else None)
    return seen


@pytest.mark.parametrize("masked", [False, True], ids=["clean", "masked"])
@pytest.mark.parametrize("stem", ["linear", "reformer"])
@pytest.mark.parametrize("read", ["nodes", "supernodes"])
def test_the_encoder_equals_its_plain_form(masked, stem, read):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = GAT(6, hidden_channels=8, heads=2, stem=stem, residuals=["linear", "none"]).double().eval()
    slides, views = make_slides(6), make_views(masked=masked)
    assert_same_with_gradients(
        lambda: getattr(Encoder.embed(encoder, look(encoder, slides, views), nodes=read == "nodes"), read),
        lambda: getattr(encoder.embed(look(encoder, slides, views), nodes=read == "nodes"), read),
        (*encoder.parameters(), *(view.token for view in views)),
    )


def test_nodes_that_nobody_reads_are_not_computed():
    encoder = GAT(6, hidden_channels=8, heads=2).double().eval()
    seen = look(encoder, make_slides(6), make_views(masked=False))
    assert encoder.embed(seen, nodes=False).nodes is None


def test_attention_into_the_supernodes_is_the_same_whether_or_not_nodes_are_read():
    encoder = GAT(6, hidden_channels=8, heads=2).double().eval()
    seen = look(encoder, make_slides(6), make_views(masked=True))
    one, other = (encoder.embed(seen, nodes=nodes).attention for nodes in (True, False))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True], ids=["clean", "masked"])
def test_folded_matrices_at_inference_equal_the_plain_form(masked):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = GAT(6, hidden_channels=8, heads=2, stem="reformer", residuals=["linear", "none"])
    encoder, slides, views = encoder.double().eval(), make_slides(6), make_views(masked=masked)
    plain = Encoder.embed(encoder, look(encoder, slides, views))
    with torch.no_grad():
        folded = encoder.embed(look(encoder, slides, views, stem=encoder.start()))
        assert encoder.start()(slides.x).shape == (18, 8 + 4 + 8)  # projection, logits, residual
    for field in ("nodes", "supernodes"):
        torch.testing.assert_close(getattr(folded, field), getattr(plain, field), rtol=0, atol=1e-12)


def test_the_blockwise_error_equals_that_of_rebuilt_rows():
    sizes, slides = Sizes(6, 8, 2), make_slides(6)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        term = Reconstruction(sizes, heads=2, alpha=2.0).double().eval()
    step = example_step(term, sizes, slides)
    seen = step.views["masked"]
    embedding = seen.nodes.requires_grad_()
    target, weight = step.inputs[seen.mask], torch.rand(int(seen.mask.sum()), dtype=torch.float64)
    assert_same_with_gradients(
        lambda: (cosine_error(term.rebuild(seen), target, alpha=2.0) * weight).sum(),  # noqa: PLW0108
        partial(term.compare, seen, target, row_weight=weight),
        (embedding, *term.parameters()),
    )


def test_folded_matrices_follow_the_weights():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = GAT(6, hidden_channels=8, heads=2, stem="reformer", residuals=["linear", "none"]).eval()
    x = make_slides(6).x.float()
    with torch.no_grad():
        before = encoder.start()(x)
        assert encoder.start() is encoder.start()
        for weight in (encoder.linear.bias, encoder.layers[0].attend_src, encoder.layers[0].shortcut.weight):
            weight.add_(1.0)
            after = encoder.start()(x)
            assert not torch.equal(before, after)
            before = after
        encoder.double()
        assert encoder.start()(x.double()).dtype == torch.float64
    with torch.inference_mode():
        assert torch.equal(encoder.start()(x.double()), encoder.start()(x.double()))
