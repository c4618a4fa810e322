"""What every aggregator owes: test a new one with ``check_aggregator(MyAggregator)``."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.testing.pools import check_pool, check_reads
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

    def run(x: Tensor, bags: Bags) -> tuple[Tensor, Tensor | None]:
        out = part(x, bags)
        return out.embedding, out.attention

    check_pool(run, slides, who=who, ordered=not part.order_matters)
    out = part(slides.x, slides.bags)
    require_shape(out.embedding, (slides.num_graphs, part.out_channels), who=who, what="bag vectors")
    given = {field for field in ("attention", "attention_logits") if getattr(out, field) is not None}
    given |= set(out.extras)
    require(
        given == set(part.gives), who, f"gives = {sorted(given)}, as its output says", f"{sorted(part.gives)}"
    )
    check_reads(run, slides, part, who=who)

    def embed(x: Tensor) -> Tensor:
        return part(x, slides.bags).embedding

    require_gradients(embed, (slides.x,), who=who)
    require_used(part, embed(slides.x).square().sum(), who=who)
    require_round_trip(part, lambda: make(in_channels), lambda p: _embed(p, slides), who=who)


def _embed(part: Aggregator, slides: Slides) -> Tensor:
    return part(slides.x, slides.bags).embedding
