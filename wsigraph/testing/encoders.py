"""What every encoder owes: test a new one with ``check_encoder(MyEncoder)``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.graph.tiles import surrounded
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.testing.require import (
    name_of,
    ready,
    require,
    require_equal,
    require_finite,
    require_gradients,
    require_refused,
    require_round_trip,
    require_shape,
    require_used,
    seeded,
)
from wsigraph.testing.slides import Slides, make_slides


def check_encoder(make: Callable[[int], Encoder], *, in_channels: int = 6) -> None:
    """Check one encoder in float64.

    A row-wise stem, node outputs that move with their nodes, edges in any order, a batch that equals its
    slides one by one, no leak between slides, one patch, no edges, ``uses_edges`` and ``num_hops`` true,
    gradients, and state that makes the round trip.

    Args:
        make: ``in_channels`` -> a new encoder; the class itself, or a ``partial`` with options.
        in_channels: Width to try.

    Raises: AssertionError: naming the first property that fails.
    """
    part = ready(seeded(lambda: make(in_channels)))
    who, slides = name_of(part), make_slides(in_channels)
    out = _run(part, slides)
    require(part.in_channels == in_channels, who, f"in_channels {in_channels}", f"{part.in_channels}")
    require_shape(out, (len(slides.x), part.out_channels), who=who, what="node embeddings")
    require_equal(_run(part, slides), out, who=who, what="the same answer twice", tolerance=0)
    _check_stem(part, slides, who=who)
    if not part.order_matters:
        _check_order(part, slides, out, who=who)
    _check_batch(part, slides, out, who=who)
    _check_edges(part, slides, out, who=who)
    _check_reach(part, slides, out, who=who)
    _check_hops(part, slides, who=who)
    require_gradients(lambda x: _run(part, replace(slides, x=x)), (slides.x,), who=who)
    require_used(part, out.square().sum(), who=who)
    require_round_trip(part, lambda: make(in_channels), lambda p: _run(p, slides), who=who)


def _run(part: Encoder, slides: Slides) -> Tensor:
    if isinstance(part, Mixer):
        return part.mix(part.stem(slides.x), slides.bags)
    return part(slides.x, slides.adjacency)


def _check_stem(part: Encoder, slides: Slides, *, who: str) -> None:
    stem = part.stem(slides.x)
    require_shape(stem, (len(slides.x), part.stem_channels), who=who, what="stem rows")
    alone = torch.cat([part.stem(row) for row in slides.x.split(1)])
    require_equal(alone, stem, who=who, what="a row-wise stem: each row as if it were alone")


def _check_order(part: Encoder, slides: Slides, out: Tensor, *, who: str) -> None:
    order = slides.order_within()
    moved = slides.shuffled(order)
    require_equal(_run(part, moved), out[order], who=who, what="node outputs that move with their nodes")
    turned = slides.edge_index[:, torch.randperm(slides.edge_index.shape[1])]
    require_equal(_run(part, replace(slides, edge_index=turned)), out, who=who, what="edges in any order")


def _check_batch(part: Encoder, slides: Slides, out: Tensor, *, who: str) -> None:
    for slide in range(slides.num_graphs):
        one = slides.one(slide)
        require_equal(
            _run(part, one),
            out[slides.rows(slide)],
            who=who,
            what="a batch that equals its slides one by one",
        )
    changed = _run(part, slides.with_other(0))
    rest = slides.sizes[0]
    require_equal(
        changed[rest:], out[rest:], who=who, what="other slides bit-equal when one slide changes", tolerance=0
    )


def _check_edges(part: Encoder, slides: Slides, out: Tensor, *, who: str) -> None:
    bare = slides.without_edges()
    edgeless = _run(part, bare)
    require_finite(edgeless, who=who, what="an answer without edges")
    single = slides.sizes.index(1)
    require_equal(
        _run(part, bare.one(single)),
        edgeless[slides.rows(single)],
        who=who,
        what="one patch without edges to be a slide like any other",
    )
    reads = bool((edgeless != out).any())
    require(reads == part.uses_edges, who, f"uses_edges = {reads}, as its output says", f"{part.uses_edges}")


def _check_reach(part: Encoder, slides: Slides, out: Tensor, *, who: str) -> None:
    """``uses_pos`` is true; ``mixes`` where patches hear others without an edge; absent positions refused."""
    moved = _run(part, replace(slides, pos=slides.pos.flip(0)))
    reads = bool((moved != out).any())
    require(reads == part.uses_pos, who, f"uses_pos = {reads}, as its output says", f"{part.uses_pos}")
    require(isinstance(part, Mixer) == part.mixes, who, "mixes to be True for a Mixer alone", f"{part.mixes}")
    if isinstance(part, Mixer) and part.uses_pos:
        lost = replace(slides.bags, pos=None)
        require_refused(lambda: part.mix(part.stem(slides.x), lost), who=who, what="no positions")


def _check_hops(part: Encoder, slides: Slides, *, who: str) -> None:
    """As far as it says and no farther, on directed edges; its rounds in turn are the whole."""
    if part.num_hops is None:
        return
    adjacency = Adjacency.of(slides.edge_index[:, ::2], len(slides.x))
    out = part(slides.x, adjacency)
    with torch.no_grad():
        h = part.start()(slides.x)
        for one in part.rounds():
            h = one.run(h, adjacency)
    require_equal(h, out, who=who, what="its rounds, one after the other, to be all of its message passing")
    for node in range(len(slides.x)):
        near = surrounded(adjacency, torch.tensor([node]), hops=part.num_hops)
        alone = part(slides.x[near.nodes], near.adjacency)[near.own]
        what = f"a node to hear only of nodes within num_hops = {part.num_hops}"
        require_equal(alone, out[node : node + 1], who=who, what=what)
