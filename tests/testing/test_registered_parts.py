"""Every registered model part meets the shipped kit."""

from __future__ import annotations

from functools import partial

import pytest

from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.make import layer_names
from wsigraph.nn.masks.base import MaskDraw
from wsigraph.nn.views.base import View
from wsigraph.objectives.base import Objective
from wsigraph.objectives.targets.base import Target
from wsigraph.testing import check_aggregator, check_encoder, check_head, check_objective, check_view

OPTIONS = {
    ("aggregator", "ilra"): {"hidden_channels": 8, "heads": 2, "latents": 3},
    ("aggregator", "transformer"): {"heads": 2},
    ("aggregator", "transmil"): {"heads": 2, "landmarks": 3},
    ("encoder", "camil"): {"hidden_channels": 8, "heads": 2, "landmarks": 3},
    ("encoder", "deepgraphconv"): {"hidden_channels": 8},
    ("encoder", "gat"): {"hidden_channels": 8},
    ("encoder", "gatv2"): {"hidden_channels": 8},
    ("encoder", "gcn"): {"hidden_channels": 8},
    ("encoder", "gin"): {"hidden_channels": 8},
    ("encoder", "gps"): {"hidden_channels": 8, "heads": 2},
    ("encoder", "mamba"): {"hidden_channels": 4},
    ("encoder", "mlp"): {"hidden_channels": 8},
    ("encoder", "patchgcn"): {"hidden_channels": 8},
    ("encoder", "pna"): {"hidden_channels": 8},
    ("encoder", "rrt"): {"hidden_channels": 8, "heads": 2, "regions": 2},
    ("encoder", "s4"): {"hidden_channels": 4},
    ("encoder", "sage"): {"hidden_channels": 8},
    ("encoder", "sr_mamba"): {"hidden_channels": 4},
    ("encoder", "wikg"): {"hidden_channels": 8},
    ("head", "bag"): {"aggregator": {"name": "mean"}},
    ("head", "ordinal"): {"aggregator": {"name": "mean"}},
    ("head", "ordinal_supernode"): {"heads": 2},
    ("head", "supernode"): {"heads": 2},
}
"""Options for parts that need some, or that are quicker to check when small."""


def built_in(family):
    names = family.registry.names()
    return [n for n in names if family.registry.get(n).__module__.startswith("wsigraph.")]


def part(family, name):
    return partial(family.registry.get(name), **OPTIONS.get((family.registry.family, name), {}))


@pytest.mark.parametrize("name", built_in(Aggregator))
def test_aggregator(name):
    check_aggregator(part(Aggregator, name))


@pytest.mark.parametrize("name", built_in(Encoder))
def test_encoder(name):
    check_encoder(part(Encoder, name))


@pytest.mark.parametrize("name", built_in(Head))
def test_head(name):
    check_head(part(Head, name))


@pytest.mark.parametrize("pool", built_in(Aggregator))
def test_bag_head_with_every_aggregator(pool):
    options = OPTIONS.get(("aggregator", pool), {})
    check_head(partial(Head.registry.get("bag"), aggregator={"name": pool, **options}, hidden_channels=0))


@pytest.mark.parametrize("name", built_in(View))
def test_view(name):
    check_view(part(View, name))


@pytest.mark.parametrize("mask", built_in(MaskDraw))
def test_masked_view_with_every_mask(mask):
    check_view(partial(View.registry.get("masked"), mask=mask))


@pytest.mark.parametrize("name", built_in(Objective))
def test_objective(name):
    term = Objective.registry.get(name)
    outputs = (2, 7) if term.num_outputs is None else (term.num_outputs,)
    check_objective(part(Objective, name), per_slide=term.per_slide, outputs=outputs)


@pytest.mark.parametrize("layer", layer_names())
def test_reconstruction_with_every_layer(layer):
    check_objective(partial(Objective.registry.get("reconstruction"), layer=layer))


@pytest.mark.parametrize("target", built_in(Target))
def test_reconstruction_of_every_target(target):
    check_objective(partial(Objective.registry.get("reconstruction"), target=target))


def test_every_family_has_parts():
    assert {"gated_attention", "mean"} <= set(built_in(Aggregator))
    assert {"gat", "gatv2", "gcn", "gin", "mlp", "sage"} <= set(built_in(Encoder))
    assert {"clean", "masked"} <= set(built_in(View))
    assert {"uniform", "blocks", "high_attention"} <= set(built_in(MaskDraw))
    assert {"features", "neighbour_mean", "residual"} <= set(built_in(Target))
    assert {"cross_entropy", "reconstruction"} <= set(built_in(Objective))
