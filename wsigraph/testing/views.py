"""What every view owes: test a new one with ``check_view(MyView)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from wsigraph.nn.views.base import Nodes, Seen, View
from wsigraph.testing.require import (
    name_of,
    ready,
    require,
    require_equal,
    require_refused,
    require_round_trip,
    require_shape,
    seeded,
)
from wsigraph.testing.slides import Slides, make_slides

STEM_CHANNELS = 4


def check_view(make: Callable[[int], View], *, in_channels: int = 6) -> None:
    """Check one view in float64.

    Real nodes first and as many as before, rows outside the mask untouched, rows inside it blind to their
    input, a given mask obeyed, a wrong one refused, draws that follow the seed and differ from call to call,
    the batch left as it was, one patch, no edges, and state that makes the round trip. A view that asks for
    the attention of another is given some, and must refuse to go without.

    Args:
        make: ``in_channels`` -> a new view; the class itself, or a ``partial`` with options.
        in_channels: Width to try.

    Raises: AssertionError: naming the first property that fails.
    """
    part = ready(seeded(lambda: make(in_channels)))
    stem = ready(seeded(lambda: nn.Linear(in_channels, STEM_CHANNELS)))
    who, slides = name_of(part), make_slides(in_channels, sizes=(5, 1, 60))
    for batch in (slides, slides.without_edges(), slides.one(1)):
        _check_seen(part, stem, batch, who=who)
    if part.draws_mask:
        _check_given(part, stem, slides, who=who)
        _check_draws(part, stem, slides, who=who)
    if part.attends is not None:
        require_refused(
            lambda: _look(part, stem, slides, attends=False),
            who=who,
            what=f"no attention of '{part.attends}'",
        )
    require_round_trip(part, lambda: make(in_channels), lambda p: _look(p, stem, slides, seed=3).h, who=who)


def _look(
    part: View,
    stem: nn.Module,
    slides: Slides,
    *,
    mask: Tensor | None = None,
    seed: int | None = None,
    attends: bool = True,
) -> Seen:
    attention: dict[str, Tensor | None] = {}
    if part.attends is not None and attends:
        attention[part.attends] = slides.x[:, 0].sigmoid()
    nodes = Nodes(stem(slides.x), slides.adjacency, slides.batch, slides.num_graphs, attention=attention)
    before = nodes.h.clone()
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        seen = part(nodes, stem, nodes.plain, mask)
    require_equal(nodes.h, before, who=name_of(part), what="the batch left as it was", tolerance=0)
    return seen


def _check_seen(part: View, stem: nn.Module, slides: Slides, *, who: str) -> None:
    seen = _look(part, stem, slides, seed=0)
    n = len(slides.x)
    require(seen.num_nodes == n, who, f"{n} real nodes", f"{seen.num_nodes}")
    require(len(seen.h) >= n, who, f"at least the {n} real rows", f"{len(seen.h)}")
    require(
        seen.adjacency.num_nodes == len(seen.h),
        who,
        f"edges among its {len(seen.h)} rows",
        f"{seen.adjacency.num_nodes}",
    )
    if part.draws_mask:
        require(seen.mask is not None, who, "a mask, since draws_mask is True", "None")
    kept = torch.ones(n, dtype=torch.bool) if seen.mask is None else ~seen.mask
    rows = stem(slides.x)
    require_equal(seen.h[:n][kept], rows[kept], who=who, what="rows outside the mask untouched", tolerance=0)
    real = (seen.adjacency.edge_index < n).all(0)
    inside = Slides(slides.x, seen.adjacency.edge_index[:, real], slides.batch, slides.sizes, slides.pos)
    require(
        _pairs(inside.edge_index) == _pairs(slides.edge_index), who, "the slide's own edges kept", "others"
    )


def _check_given(part: View, stem: nn.Module, slides: Slides, *, who: str) -> None:
    n = len(slides.x)
    mask = torch.arange(n) % 3 == 0
    seen = _look(part, stem, slides, mask=mask)
    require(seen.mask is not None and torch.equal(seen.mask, mask), who, "the given mask", "another")
    hidden = Slides(slides.x.clone(), slides.edge_index, slides.batch, slides.sizes, slides.pos)
    hidden.x[mask] += 5.0
    require_equal(
        _look(part, stem, hidden, mask=mask).h[:n],
        seen.h[:n],
        who=who,
        what="masked rows that do not depend on what they hide",
        tolerance=0,
    )
    require_shape(seen.h[:n], (n, STEM_CHANNELS), who=who, what="rows")
    for wrong in (mask[:-1], mask.long()):
        require_refused(
            partial(_look, part, stem, slides, mask=wrong),
            who=who,
            what=f"a {wrong.dtype} mask of shape {list(wrong.shape)} over {n} patches",
        )


def _check_draws(part: View, stem: nn.Module, slides: Slides, *, who: str) -> None:
    first, again = (_look(part, stem, slides, seed=7).mask for _ in range(2))
    other = _look(part, stem, slides, seed=8).mask
    assert first is not None
    assert again is not None
    assert other is not None
    require(torch.equal(first, again), who, "the same mask from the same seed", "another")
    require(not torch.equal(first, other), who, "another mask from another seed", "the same")


def _pairs(edges: Tensor) -> list[tuple[int, ...]]:
    return sorted(map(tuple, edges.T.tolist()))
