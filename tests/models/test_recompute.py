"""Message passing computed again in the backward pass: the same numbers, less kept."""

from __future__ import annotations

import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.nn.encoders.base import Encoder
from wsigraph.testing.recipes import targets_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe, recipe_names


def passes_messages(name):
    method = recipe(name, in_channels=6, classes=["a", "b"])
    return Encoder.registry.get(method.encoder.name).uses_edges


GRAPH_METHODS = [name for name in recipe_names() if passes_messages(name)]


def batch_of(*, sizes=(40, 25, 1), channels=6):
    slides = make_slides(channels, sizes=sizes)
    graphs = []
    for s in range(len(sizes)):
        one = slides.one(s)
        n = len(one.x)
        edges = EdgeIndex(one.adjacency.edge_index, sparse_size=(n, n), sort_order="col")
        graphs.append(SpatialGraph(one.x.float(), edges.as_tensor(), pos=torch.rand(n, 2), slide_id=f"s{s}"))
    return Batch.from_data_list(graphs)


def step(name, batch, *, recomputes):
    """One training step with dropout: loss, gradients, bytes kept for the backward pass, and a draw after."""
    classes = ["a", "b", "c"]
    method = recipe(name, in_channels=6, classes=classes)
    model, objectives = method.build(seed=3)
    model.recomputes = recomputes
    kept = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)

        def keep(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor  # alive, so that no address comes twice
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = objectives(model, batch, target=targets_of(method, batch.num_graphs))
        loss.total.backward()
        after = torch.rand(3)
    both = {**dict(model.named_parameters()), **dict(objectives.named_parameters())}
    size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    return loss, {key: value.grad for key, value in both.items()}, size, after


@pytest.mark.parametrize("name", recipe_names())
def test_loss_gradients_and_random_draws_are_bit_equal(name):
    batch = batch_of()
    (one, plain, _, after_plain), (other, again, _, after_again) = (
        step(name, batch, recomputes=flag) for flag in (False, True)
    )
    assert torch.equal(one.total, other.total)
    assert all(torch.equal(one.terms[key], other.terms[key]) for key in one.terms)
    assert plain.keys() == again.keys()
    for key, gradient in plain.items():
        assert (gradient is None) == (again[key] is None), key
        if gradient is not None:
            torch.testing.assert_close(again[key], gradient, rtol=0, atol=0, msg=key)
    assert torch.equal(after_plain, after_again)  # whatever draws next is not disturbed


@pytest.mark.parametrize("name", GRAPH_METHODS)
def test_less_is_kept_between_forward_and_backward(name):
    batch = batch_of(sizes=(400,))
    plain, again = (step(name, batch, recomputes=flag)[2] for flag in (False, True))
    assert again < 0.75 * plain


def test_nothing_is_recomputed_where_nothing_is_trained(monkeypatch):
    model, _ = recipe("srmil", in_channels=6, classes=["a", "b"]).build()
    model.eval().recomputes = True
    calls = []
    real = type(model.encoder).embed
    monkeypatch.setattr(
        type(model.encoder), "embed", lambda self, seen, **kw: calls.append(seen) or real(self, seen, **kw)
    )
    with torch.no_grad():
        model(batch_of())
    assert len(calls) == 1
