"""What every pool of nodes owes, whether an aggregator or a head with one inside."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wsigraph.testing.require import require, require_equal, require_finite, require_refused
from wsigraph.testing.slides import Slides

Pooled = tuple[Tensor, Tensor | None]
"""One row per slide, and attention per node where there is one."""

Run = Callable[[Tensor, Tensor, int], Pooled]


def check_pool(run: Run, slides: Slides, *, who: str) -> None:
    """Order, batches, leaks, single patches, attention, empty slides.

    Args:
        run: x, batch, number of slides -> rows and attention.
        slides: The batch to try.
        who: How sentences call the part.

    Raises: AssertionError: naming the first property that fails.
    """
    bag, attention = run(slides.x, slides.batch, slides.num_graphs)
    require_finite(bag, who=who, what="bag outputs")
    again, _ = run(slides.x, slides.batch, slides.num_graphs)
    require_equal(again, bag, who=who, what="the same answer twice in evaluation mode", tolerance=0)
    _check_order(run, slides, bag, attention, who=who)
    _check_batch(run, slides, bag, attention, who=who)
    _check_leak(run, slides, bag, who=who)
    if attention is not None:
        check_attention(attention, slides, who=who)
    large, _ = run(slides.x * 1e4, slides.batch, slides.num_graphs)
    require_finite(large, who=who, what="an answer to features of size 10,000")
    _check_empty(run, slides, who=who)


def check_attention(attention: Tensor, slides: Slides, *, who: str) -> None:
    """Attention is not negative and sums to 1 per slide."""
    require(
        attention.ndim == 2 and len(attention) == len(slides.x),
        who,
        f"attention [{len(slides.x)}, H]",
        f"{list(attention.shape)}",
    )
    require(
        bool((attention >= 0).all()), who, "attention of at least 0", f"{float(attention.detach().min()):.3g}"
    )
    for slide in range(slides.num_graphs):
        total = attention[slides.rows(slide)].sum(0)
        require(
            bool(((total - 1).abs() < 1e-9).all()),
            who,
            "attention that sums to 1 in every slide",
            f"{total.tolist()} in slide {slide} of {slides.sizes[slide]} patches",
        )


def _check_order(run: Run, slides: Slides, bag: Tensor, attention: Tensor | None, *, who: str) -> None:
    order = slides.order_within()
    other, moved = run(slides.x[order], slides.batch[order], slides.num_graphs)
    require_equal(other, bag, who=who, what="the same bag output whatever the order of the patches")
    wanted = None if attention is None else attention[order]
    require_equal(moved, wanted, who=who, what="attention that moves with its patch")


def _check_batch(run: Run, slides: Slides, bag: Tensor, attention: Tensor | None, *, who: str) -> None:
    for slide in range(slides.num_graphs):
        one = slides.one(slide)
        alone, weights = run(one.x, one.batch, 1)
        require_equal(
            alone, bag[slide : slide + 1], who=who, what="a batch that equals its slides one by one"
        )
        wanted = None if attention is None else attention[slides.rows(slide)]
        require_equal(weights, wanted, who=who, what="attention in a batch as in its slides one by one")


def _check_leak(run: Run, slides: Slides, bag: Tensor, *, who: str) -> None:
    changed, _ = run(slides.with_other(0).x, slides.batch, slides.num_graphs)
    require_equal(
        changed[1:], bag[1:], who=who, what="other slides bit-equal when one slide changes", tolerance=0
    )
    require(bool((changed[0] != bag[0]).any()), who, "an answer that depends on the slide", "the same answer")


def _check_empty(run: Run, slides: Slides, *, who: str) -> None:
    gap = slides.batch + (slides.batch > 0)  # slide 1 has no patch
    require_refused(
        lambda: run(slides.x, gap, slides.num_graphs + 1), who=who, what="a slide without a patch"
    )
    nothing = torch.zeros(0, dtype=torch.long)
    require_refused(lambda: run(slides.x[:0], nothing, 1), who=who, what="an empty batch")
