"""What every head owes: test a new one with ``check_head(partial(MyHead, ...))``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.heads.base import Head
from wsigraph.testing.pools import check_pool, check_reads
from wsigraph.testing.require import (
    name_of,
    ready,
    require,
    require_equal,
    require_gradients,
    require_round_trip,
    require_shape,
    require_used,
    seeded,
)
from wsigraph.testing.slides import Slides, make_slides

FIELDS = ("logits", "embedding", "attention", "attention_logits", "node_logits")


def check_head(make: Callable[[int, int], Head], *, in_channels: int = 6) -> None:
    """Check one head in float64, with 2 and with 7 classes.

    Order invariance, a batch equals its slides one by one, no leak between slides, one patch, attention
    that sums to 1, an empty slide refused, ``gives`` as it says, gradients, and state that
    makes the round trip.

    Args:
        make: ``in_channels, out_channels`` -> a new head.
        in_channels: Width to try.

    Raises: AssertionError: naming the first property that fails.
    """
    for classes in (2, 7):
        reads_nodes = make(in_channels, classes).reads == "nodes"
        slides = make_slides(in_channels) if reads_nodes else make_slides(in_channels, sizes=(1,) * 4)
        _check(lambda classes=classes: make(in_channels, classes), slides, classes)  # type: ignore[misc]


def _check_rows(part: Head, slides: Slides, *, who: str) -> None:
    """One supernode per slide: each is answered as if it were alone."""
    alone = torch.cat([part(row, Bags.of_sizes([1])).logits for row in slides.x.split(1)])
    together = part(slides.x, slides.bags).logits
    require_equal(together, alone, who=who, what="a batch that equals its slides one by one")


def _check(make: Callable[[], Head], slides: Slides, classes: int) -> None:
    part = ready(seeded(make))
    who = f"{name_of(part)} with {classes} classes"

    def run(x: Tensor, bags: Bags) -> tuple[Tensor, Tensor | None]:
        out = part(x, bags)
        return out.logits, out.attention

    if part.reads == "supernodes":
        _check_rows(part, slides, who=who)
    else:
        check_pool(run, slides, who=who, ordered=not part.order_matters)
        check_reads(run, slides, part, who=who)
    out = part(slides.x, slides.bags)
    require_shape(out.logits, (slides.num_graphs, classes), who=who, what="logits")
    given = {field for field in FIELDS if getattr(out, field) is not None} | set(out.extras)
    require(
        given == set(part.gives), who, f"gives = {sorted(given)}, as its output says", f"{sorted(part.gives)}"
    )
    if part.attends_by_class:
        columns = 0 if out.attention is None else out.attention.shape[1]
        require(
            columns == classes, who, f"attention with a column for each of {classes} classes", f"{columns}"
        )
    if out.node_logits is not None:
        require_shape(out.node_logits, (len(slides.x), classes), who=who, what="node logits")

    def logits(x: Tensor) -> Tensor:
        return part(x, slides.bags).logits

    require_gradients(logits, (slides.x,), who=who)
    require_used(part, _all_of(out).square().sum(), who=who)
    require_round_trip(part, make, lambda p: p(slides.x, slides.bags).logits, who=who)


def _all_of(out: HeadOutput) -> Tensor:
    """All that terms may train a head by, in one row."""
    given = (out.logits, out.node_logits, *out.extras.values())
    return torch.cat([value.flatten() for value in given if value is not None])
