"""Hard negatives: patches that look like a class although their slides are not of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.training.mining.hardest import Candidates, number_of, take_top
from wsigraph.training.mining.scored import Chosen, ScoredSlide, check_slides
from wsigraph.training.seeds import mix

REACH = 2.0
"""Of the nearest classes at most this many times the ratio is taken, before classes farther away come in."""


@dataclass(frozen=True)
class Tier:
    """What one group of classes gave.

    Args:
        classes: Labels of its slides.
        slides: Number of its slides.
        patches: Number of their patches.
        taken: Hard negatives among them.
        threshold: The lowest score that was taken, None where none was.
        tied: Patches at exactly that score, taken or not.
    """

    classes: tuple[int, ...]
    slides: int
    patches: int
    taken: int
    threshold: float | None
    tied: int


@dataclass(frozen=True)
class HardNegatives:
    """The hard negatives of one class.

    Args:
        chosen: Which patches.
        tiers: What each group of classes gave, nearest first.
    """

    chosen: Chosen
    tiers: tuple[Tier, ...]


def hard_negatives(
    slides: Sequence[ScoredSlide],
    *,
    target: int = 1,
    ratio: float = 0.05,
    order: Sequence[Sequence[int]] | None = None,
    reach: float = REACH,
    seed: int = 0,
) -> HardNegatives:
    r"""The hardest patches of the slides that are not of class ``target``.

    Every patch of such a slide is a true negative; the share r of them with the highest scores are the hard
    ones.

    .. math::  H = \{ i : y_{s(i)} \ne c, \ s_i \ge t \}, \quad |H| = \lceil r N \rceil,
        \quad N = |\{ i : y_{s(i)} \ne c \}|

    With an order of classes, the same number of patches is taken nearest classes first: a group of
    classes with n patches gives its hardest ones, at most ``ceil(reach * r * n)``, until all are found. A
    reach of 1 takes the same share of every group; a large one empties the nearest group before the next is
    asked. Slides of unknown class (label below 0) give nothing.

    Args:
        slides: Training slides with the scores of class ``target``.
        target: Class that is mined.
        ratio: r, 0 to 1; 1 takes all patches, as ItS2CLR does.
        order: Groups of the other classes, nearest first, ``[[siblings], [cousins]]``; None is one group.
        reach: How far a group may exceed its share, at least 1.
        seed: Draws among patches that tie at a threshold.

    Raises: CohortError: if there is no slide of another class, or the order does not hold each of their
        classes once. RecipeError: if ratio or reach lies outside its range.
    Source: HNM-WSI (Huang et al. 2024), 5 % of the patches of negative slides, two classes. Differs: exactly
        ceil(r N) patches, where "above the quantile" would take none when the scores saturate; more
        than two classes and their order are ours.
    """
    check_slides(slides)
    if not 0.0 < ratio <= 1.0 or reach < 1.0:
        got = f"ratio {ratio}, reach {reach}"
        raise RecipeError(
            expected("Hard negatives", "a ratio above 0 and up to 1, a reach of 1 or more", got)
        )
    groups = _groups(slides, target, order)
    left = number_of(ratio, sum(_patches(slides, places) for _, places in groups))
    parts, tiers = [], []
    for number, (classes, places) in enumerate(groups):
        scores = [slides[place].scores for place in places]
        patches = _patches(slides, places)
        share = 1.0 if len(groups) == 1 else min(1.0, reach * ratio)
        count = min(left, number_of(share, patches))
        top = take_top(Candidates(scores), count, seed=mix(seed, "negatives", target, number))
        parts.append(Chosen.of_rows(top.rows, places))
        tiers.append(Tier(classes, len(places), patches, top.count, top.threshold, top.tied))
        left -= count
    return HardNegatives(Chosen.joined(parts), tuple(tiers))


def _patches(slides: Sequence[ScoredSlide], places: Sequence[int]) -> int:
    return sum(len(slides[place].scores) for place in places)


def _groups(
    slides: Sequence[ScoredSlide], target: int, order: Sequence[Sequence[int]] | None
) -> list[tuple[tuple[int, ...], list[int]]]:
    """Classes and places of the slides of each group that has a slide."""
    where = f"Hard negatives of class {target}"
    found = sorted({slide.label for slide in slides if slide.label >= 0 and slide.label != target})
    if not found:
        raise CohortError(
            expected(
                where,
                "slides of another class",
                f"none among {len(slides)} training slides",
                todo="Mining needs slides that certainly hold no patch of the class.",
            )
        )
    named = [tuple(group) for group in (order if order is not None else [found])]
    flat = [label for group in named for label in group]
    if len(set(flat)) != len(flat) or target in flat or not set(found) <= set(flat):
        todo = "Name each class but the mined one exactly once."
        raise CohortError(expected(where, f"an order of the classes {found}", f"{named}", todo=todo))
    groups = [(group, [i for i, slide in enumerate(slides) if slide.label in group]) for group in named]
    return [(group, places) for group, places in groups if places]
