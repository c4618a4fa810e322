"""Self-paced positives: the surest patches of positive slides, more of them as training goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.nn.schedule import Schedule
from wsigraph.training.mining.hardest import Candidates, number_of, take_top
from wsigraph.training.mining.scored import Chosen, ScoredSlide, check_slides
from wsigraph.training.seeds import mix

FLOOR = 0.3
PACE = Schedule(0.2, 0.8)


@dataclass(frozen=True)
class Counts:
    """How the patches of positive slides were told apart.

    Args:
        slides: Number of slides of the class.
        silent: Those of them without a candidate.
        patches: Number of their patches.
        candidates: Patches above the floor.
        taken: Candidates taken for positive.
        threshold: The lowest score that was taken, None where none was.
        tied: Candidates at exactly that score, taken or not.
    """

    slides: int
    silent: int
    patches: int
    candidates: int
    taken: int
    threshold: float | None
    tied: int

    @property
    def uncertain(self) -> int:
        """Patches that nobody can tell: all that were not taken."""
        return self.patches - self.taken


@dataclass(frozen=True)
class Positives:
    """The patches taken for positive.

    Args:
        chosen: Which patches; the other patches of these slides are uncertain.
        counts: How many there were to choose from.
    """

    chosen: Chosen
    counts: Counts


def pace(epoch: int, epochs: int, *, warmup: int = 5, schedule: Schedule = PACE) -> float:
    """The share of candidates taken in an epoch.

    It stands at the schedule's start until the warm-up is over, reaches its end in the last epoch and moves
    between them as the schedule says.

    Args:
        epoch: Counted from 0.
        epochs: Number of epochs.
        warmup: Epochs before the share moves.
        schedule: Start and end.

    Raises: RecipeError: if the warm-up leaves no epoch.
    Source: HNM-WSI (Huang et al. 2024): 0.2 to 0.8, linearly, after 5 epochs.
    """
    if not 0 <= warmup < epochs:
        raise RecipeError(expected("Pace", f"a warm-up of 0 to {epochs - 1} epochs", f"{warmup}"))
    moving = epochs - 1 - warmup
    done = min(max((epoch - warmup) / moving, 0.0), 1.0) if moving else float(epoch >= warmup)
    return schedule.after(done)


def self_paced(
    slides: Sequence[ScoredSlide], *, share: float, target: int = 1, floor: float = FLOOR, seed: int = 0
) -> Positives:
    r"""Of the patches of class ``target``'s slides that score above the floor, the share with the highest
    scores.

    .. math::  C = \{ i : y_{s(i)} = c, \ s_i > f \}, \quad P \subset C, \quad |P| = \lceil r |C| \rceil

    The share is taken of all candidates together, so slides with many of them give many. All other patches of
    these slides are uncertain: a positive slide holds negative patches too, and nobody knows which.

    Args:
        slides: Training slides with the scores of class ``target``.
        share: r, 0 to 1, for instance of :func:`pace`.
        target: Class that is mined.
        floor: f, on the scale of the scores; 0.3 is meant for probabilities.
        seed: Draws among patches that tie at the threshold.

    Raises: CohortError: if there is no slide of the class. RecipeError: if the share lies outside its range.
    Source: HNM-WSI (Huang et al. 2024), after ItS2CLR (Liu et al. 2023). Differs: candidates below the
        threshold are uncertain, as those under the floor are.
    """
    check_slides(slides)
    if not 0.0 < share <= 1.0:
        raise RecipeError(expected("Self-paced positives", "a share above 0 and up to 1", f"{share}"))
    places = [i for i, slide in enumerate(slides) if slide.label == target]
    if not places:
        got = f"none among {len(slides)} training slides"
        raise CohortError(expected("Self-paced positives", f"slides of class {target}", got))
    scores = [slides[place].scores for place in places]
    candidates = Candidates(scores, floor)
    count = number_of(share, len(candidates))
    top = take_top(candidates, count, seed=mix(seed, "positives", target))
    counts = Counts(
        slides=len(places),
        silent=sum(not (mine > floor).any() for mine in scores),
        patches=sum(map(len, scores)),
        candidates=len(candidates),
        taken=top.count,
        threshold=top.threshold,
        tied=top.tied,
    )
    return Positives(Chosen.of_rows(top.rows, places), counts)
