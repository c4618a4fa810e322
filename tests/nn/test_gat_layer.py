"""The layer around graph attention: equal to PyG's with the same weights, and by hand."""

from __future__ import annotations

import torch
from torch_geometric.nn import GATConv

from wsigraph.nn.layers.gat import GATLayer
from wsigraph.testing.slides import make_slides


class TestAgainstPyG:
    """Weights of PyG's GATConv put into ours, without residual and norm."""

    @staticmethod
    def pair(heads=4, width=5, channels=6):
        theirs = GATConv(channels, width, heads=heads, add_self_loops=False, negative_slope=0.2).double()
        ours = GATLayer(channels, width, heads=heads, plain=True, residual="none").double()
        with torch.no_grad():
            theirs.bias.normal_()
            ours.project.weight.copy_(theirs.lin.weight)
            ours.attend_src.copy_(theirs.att_src)
            ours.attend_dst.copy_(theirs.att_dst)
            ours.bias.copy_(theirs.bias)
        return ours, theirs

    def test_forward_and_gradients(self):
        ours, theirs = self.pair()
        slides = make_slides(6)
        results = []
        for layer, structure in ((ours, slides.adjacency), (theirs, slides.edge_index)):
            x = slides.x.clone().requires_grad_()
            out = layer(x, structure)
            out.square().sum().backward()
            results.append((out.detach(), x.grad))
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
        pairs = (
            (ours.project.weight, theirs.lin.weight),
            (ours.attend_src, theirs.att_src),
            (ours.attend_dst, theirs.att_dst),
            (ours.bias, theirs.bias),
        )
        for one, other in pairs:
            torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-9)

    def test_single_precision(self):
        ours, theirs = self.pair()
        slides = make_slides(6)
        one = ours.float()(slides.x.float(), slides.adjacency)
        other = theirs.float()(slides.x.float(), slides.edge_index)
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


class TestLayer:
    def test_identity_residual_norm_and_slope_in_that_order(self):
        layer = GATLayer(8, 4, heads=2, residual="identity").double().eval()
        slides = make_slides(8)
        bare = GATLayer(8, 4, heads=2, residual="none", plain=True).double().eval()
        bare.load_state_dict({k: v for k, v in layer.state_dict().items() if k in bare.state_dict()})
        attended = bare(slides.x, slides.adjacency) + slides.x
        normed = (attended - attended.mean(1, keepdim=True)) / (
            attended.var(1, unbiased=False, keepdim=True) + 1e-5
        ).sqrt()
        by_hand = torch.where(normed > 0, normed, 0.25 * normed)
        torch.testing.assert_close(layer(slides.x, slides.adjacency), by_hand)

    def test_identity_between_unequal_widths_becomes_a_linear_map(self):
        layer = GATLayer(6, 4, heads=2, residual="identity")
        assert layer.shortcut is not None
        assert layer.shortcut.bias is None

    def test_dropout_only_in_training_and_drawn_from_the_seed(self):
        layer = GATLayer(8, 4, heads=2, feature_dropout=0.5, attention_dropout=0.5).double()
        slides = make_slides(8)

        def run(seed):
            torch.manual_seed(seed)
            return layer(slides.x, slides.adjacency)

        with torch.random.fork_rng(devices=[]):
            assert torch.equal(run(1), run(1))
            assert not torch.equal(run(1), run(2))
            layer.eval()
            assert torch.equal(run(1), run(2))
