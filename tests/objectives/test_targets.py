"""Targets of reconstruction: against NumPy loops, zero at their optimum; decoders of every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.layers.make import layer_names
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.targets.base import Target
from wsigraph.objectives.terms.reconstruction import Reconstruction, cosine_error
from wsigraph.testing.objectives import example_step
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe

SIZES = Sizes(in_channels=6, node_channels=8, num_classes=3)
HALF = torch.arange(18) % 2 == 0
ALONE = 5  # the only patch of its slide


def by_loops(name, x, edges):
    """What each target is, one node at a time, and where it is known."""
    sources = [[u for u, v in edges.T.tolist() if v == node and u != node] for node in range(len(x))]
    means = np.stack([x[near].mean(0) if near else np.zeros(x.shape[1]) for near in sources])
    has = np.array([bool(near) for near in sources])
    if name == "features":
        return x, np.ones(len(x), bool)
    if name == "neighbour_mean":
        return means, has
    if name == "residual":
        return x - means, has
    for _ in range(2):
        x = np.stack([0.5 * x[v] + 0.5 * x[near].mean(0) if near else x[v] for v, near in enumerate(sources)])
    return x, np.ones(len(x), bool)


@pytest.mark.parametrize("name", ["features", "neighbour_mean", "residual", "diffused"])
def test_equals_loops(name):
    slides = make_slides(6)
    wanted = Target.registry.make(name).of(slides.x, slides.adjacency, HALF)
    values, known = by_loops(name, slides.x.numpy(), slides.edge_index.numpy())
    mine = np.ones(9, bool) if wanted.known is None else wanted.known.numpy()
    assert mine.tolist() == known[HALF.numpy()].tolist()
    np.testing.assert_allclose(
        wanted.values.numpy()[mine], values[HALF.numpy()][mine], rtol=1e-12, atol=1e-12
    )


class Told(Reconstruction):
    """Rebuilds what it is told."""

    answer: torch.Tensor

    def compare(self, seen, target, *, row_weight):
        return (cosine_error(self.answer[seen.mask], target, alpha=self.alpha) * row_weight).sum()


def told(target, sign, mask=HALF):
    slides = make_slides(6)
    step = example_step(Reconstruction(SIZES), SIZES, slides, mask=mask)
    values, _ = by_loops(target, slides.x.numpy(), slides.edge_index.numpy())
    term = Told(SIZES, target=target).double()
    term.answer = sign * torch.from_numpy(values)
    return term(step).item()


@pytest.mark.parametrize("target", ["features", "neighbour_mean", "residual", "diffused"])
def test_zero_at_the_optimum_and_two_at_the_opposite(target):
    assert told(target, 3.0) == pytest.approx(0.0, abs=1e-12)
    whole = torch.ones(18, dtype=torch.bool)
    slides_that_count = 4 if target in ("features", "diffused") else 3  # one slide has no neighbours
    assert told(target, -1.0, mask=whole) == pytest.approx(2.0 * slides_that_count / 4)


def test_tissue_all_alike_has_no_residual_and_costs_nothing():
    slides = make_slides(6)
    flat = torch.ones_like(slides.x) * 0.1
    wanted = Target.registry.make("residual").of(flat, slides.adjacency, HALF)
    assert not wanted.known.any()
    step = example_step(Reconstruction(SIZES), SIZES, slides, mask=HALF)
    term = Reconstruction(SIZES, target="residual").double()
    value = term(type(step)(step.views, step.target, flat))
    assert value.item() == 0.0
    value.backward()


def test_without_edges_nothing_surrounds_a_patch():
    slides = make_slides(6).without_edges()
    for name, known in (("neighbour_mean", 0), ("residual", 0), ("diffused", 9)):
        wanted = Target.registry.make(name).of(slides.x, slides.adjacency, HALF)
        assert int(wanted.known.sum()) == known
        assert torch.isfinite(wanted.values).all()


def test_a_directed_edge_counts_where_it_arrives():
    edges = torch.tensor([[0], [1]])
    wanted = Target.registry.make("neighbour_mean").of(
        torch.eye(2), Adjacency.of(edges, 2), torch.ones(2, dtype=torch.bool)
    )
    assert wanted.known.tolist() == [False, True]
    assert wanted.values[1].tolist() == [1.0, 0.0]


def decoded(layer):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        term = Reconstruction(SIZES, layer=layer, feature_dropout=0, attention_dropout=0).double().eval()
    step = example_step(term, SIZES, make_slides(6), mask=HALF)
    seen = step.views["masked"]
    nodes = seen.nodes.clone().requires_grad_()
    return term, term.rebuild(type(seen)(nodes, seen.batch, seen.num_graphs, seen.adjacency, {}, HALF)), nodes


@pytest.mark.parametrize("layer", layer_names())
def test_the_loss_is_the_error_of_what_is_rebuilt(layer):
    term, rebuilt, _ = decoded(layer)
    slides = make_slides(6)
    step = example_step(term, SIZES, slides, mask=HALF)
    per_slide = [cosine_error(rebuilt, slides.x[HALF])[slides.batch[HALF] == s].mean() for s in range(4)]
    wanted = torch.stack([value for value in per_slide if torch.isfinite(value)]).sum() / 4
    assert term(step).item() == pytest.approx(wanted.item(), rel=1e-10)


@pytest.mark.parametrize("layer", layer_names())
def test_decoders_hear_of_hidden_patches_only_through_neighbours_unless_they_see_none(layer):
    term, rebuilt, nodes = decoded(layer)
    assert rebuilt.shape == (9, 6)
    rebuilt.square().sum().backward()
    hidden, shown = nodes.grad[HALF], nodes.grad[~HALF]
    if layer == "mlp":
        assert term.token is None
        assert (hidden != 0).any()
        assert (shown == 0).all()
    else:
        assert (hidden == 0).all()
        assert (shown != 0).any()


def test_the_decoder_of_graph_attention_keeps_its_names_and_draws():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        term = Reconstruction(SIZES)
    assert {name.split(".")[0] for name in term.state_dict()} == {"bridge", "token", "hidden", "last"}
    assert isinstance(term.hidden, GATLayer)
    assert isinstance(term.last, GATLayer)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"layer": "gta"}, UnknownPartError, r"Layer: expected one of \['gat', .*'gta'"),
        ({"target": "feature"}, UnknownPartError, "Registry 'target': .* Did you mean 'features'"),
        ({"target": {"name": "diffused", "hops": 3}}, RecipeError, r"target 'diffused': .*got \['hops'\]"),
        ({"target": {"name": "diffused", "steps": 0}}, RecipeError, "at least 1 step, got 0"),
    ],
)
def test_impossible_options_are_refused(options, error, sentence):
    with pytest.raises(error, match=sentence):
        Reconstruction(SIZES, **options)


@pytest.mark.parametrize(
    ("encoder", "layer", "target"), [("gcn", "gin", "residual"), ("gatv2", "sage", "diffused")]
)
def test_as_options_of_a_recipe(encoder, layer, target):
    changes = {
        "encoder": {"name": encoder},
        "terms.reconstruction.layer": layer,
        "terms.reconstruction.target": target,
    }
    method = recipe("srmil", in_channels=6, classes=["a", "b"]).with_settings(changes)
    decoder = method.build()[1].terms["reconstruction"]
    assert type(decoder.last).name == layer
    assert decoder.target.name == target
