"""What every aggregator owes: test a new one with ``check_aggregator(MyAggregator)``."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.testing.pools import check_pool
from wsigraph.testing.require import (
    name_of,
    ready,
    require,
    require_gradients,
    require_round_trip,
    require_shape,
    require_used,
    seeded,
)
from wsigraph.testing.slides import Slides, make_slides


def check_aggregator(make: Callable[[int], Aggregator], *, in_channels: int = 6) -> None:
    """Check one aggregator in float64.

    Order invariance, a batch equals its slides one by one, no leak between slides, one patch, attention
    that sums to 1, an empty slide refused, gradients, and state that makes the round trip.

    Args:
        make: ``in_channels`` -> a new aggregator; the class itself, or a ``partial`` with options.
        in_channels: Width to try.

    Raises: AssertionError: naming the first property that fails.
    """
    part = ready(seeded(lambda: make(in_channels)))
    who, slides = name_of(part), make_slides(in_channels)

    def run(x: Tensor, batch: Tensor, num_graphs: int) -> tuple[Tensor, Tensor | None]:
        out = part(x, batch, num_graphs)
        return out.embedding, out.attention

    check_pool(run, slides, who=who)
    out = part(slides.x, slides.batch, slides.num_graphs)
    require_shape(out.embedding, (slides.num_graphs, part.out_channels), who=who, what="bag vectors")
    require(
        (out.attention is not None) == part.gives_attention,
        who,
        f"gives_attention = {out.attention is not None}, as its output says",
        f"{part.gives_attention}",
    )

    def embed(x: Tensor) -> Tensor:
        return part(x, slides.batch, slides.num_graphs).embedding

    require_gradients(embed, (slides.x,), who=who)
    require_used(part, embed(slides.x).square().sum(), who=who)
    require_round_trip(part, lambda: make(in_channels), lambda p: _embed(p, slides), who=who)


def _embed(part: Aggregator, slides: Slides) -> Tensor:
    return part(slides.x, slides.batch, slides.num_graphs).embedding
