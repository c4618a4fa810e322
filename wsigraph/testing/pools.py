"""What every pool of nodes owes, whether an aggregator or a head with one inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags
from wsigraph.testing.require import require, require_equal, require_finite, require_refused
from wsigraph.testing.slides import Slides

Pooled = tuple[Tensor, Tensor | None]
"""One row per slide, and attention per node where there is one."""

Run = Callable[[Tensor, Bags], Pooled]


class Reads(Protocol):
    """What a pool says it reads beside the rows."""

    uses_edges: bool
    uses_pos: bool


def check_pool(run: Run, slides: Slides, *, who: str, ordered: bool = True) -> None:
    """Order, batches, leaks, single patches, attention, empty slides.

    Args:
        run: x and how it is divided into slides -> rows and attention.
        slides: The batch to try.
        who: How sentences call the part.
        ordered: False leaves out the order of the patches, for a part that says why it matters.

    Raises: AssertionError: naming the first property that fails.
    """
    bag, attention = run(slides.x, slides.bags)
    require_finite(bag, who=who, what="bag outputs")
    again, _ = run(slides.x, slides.bags)
    require_equal(again, bag, who=who, what="the same answer twice in evaluation mode", tolerance=0)
    if ordered:
        _check_order(run, slides, bag, attention, who=who)
    _check_batch(run, slides, bag, attention, who=who)
    _check_leak(run, slides, bag, who=who)
    if attention is not None:
        check_attention(attention, slides, who=who)
    large, _ = run(slides.x * 1e4, slides.bags)
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
    there = slides.shuffled(order)
    other, moved = run(there.x, there.bags)
    require_equal(other, bag, who=who, what="the same bag output whatever the order of the patches")
    wanted = None if attention is None else attention[order]
    require_equal(moved, wanted, who=who, what="attention that moves with its patch")


def _check_batch(run: Run, slides: Slides, bag: Tensor, attention: Tensor | None, *, who: str) -> None:
    for slide in range(slides.num_graphs):
        one = slides.one(slide)
        alone, weights = run(one.x, one.bags)
        require_equal(
            alone, bag[slide : slide + 1], who=who, what="a batch that equals its slides one by one"
        )
        wanted = None if attention is None else attention[slides.rows(slide)]
        require_equal(weights, wanted, who=who, what="attention in a batch as in its slides one by one")


def _check_leak(run: Run, slides: Slides, bag: Tensor, *, who: str) -> None:
    changed, _ = run(slides.with_other(0).x, slides.bags)
    require_equal(
        changed[1:], bag[1:], who=who, what="other slides bit-equal when one slide changes", tolerance=0
    )
    require(bool((changed[0] != bag[0]).any()), who, "an answer that depends on the slide", "the same answer")


def _check_empty(run: Run, slides: Slides, *, who: str) -> None:
    gap = slides.batch + (slides.batch > 0)  # slide 1 has no patch
    gapped = Bags(gap, slides.num_graphs + 1, slides.adjacency, slides.pos)
    require_refused(lambda: run(slides.x, gapped), who=who, what="a slide without a patch")
    nothing = Bags(gap[:0], 1, Adjacency(slides.edge_index[:, :0], 0), slides.pos[:0])
    require_refused(lambda: run(slides.x[:0], nothing), who=who, what="an empty batch")


def check_reads(run: Run, slides: Slides, part: Reads, *, who: str) -> None:
    """``uses_edges`` and ``uses_pos`` are true, and what is read but absent is refused.

    Raises: AssertionError: naming the first property that fails.
    """
    bag, _ = run(slides.x, slides.bags)
    bare = run(slides.x, slides.without_edges().bags)[0]
    require_finite(bare, who=who, what="an answer without edges")
    moved = run(slides.x, replace(slides.bags, pos=slides.pos.flip(0)))[0]
    for what, says, found in (
        ("uses_edges", part.uses_edges, bool((bare != bag).any())),
        ("uses_pos", part.uses_pos, bool((moved != bag).any())),
    ):
        require(says == found, who, f"{what} = {found}, as its output says", f"{says}")
    if part.uses_edges:
        require_refused(lambda: run(slides.x, replace(slides.bags, edges=None)), who=who, what="no edges")
    if part.uses_pos:
        require_refused(lambda: run(slides.x, replace(slides.bags, pos=None)), who=who, what="no positions")
