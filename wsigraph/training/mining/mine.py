"""One mining of one class: positives, hard negatives, and the record of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsigraph.nn.schedule import Schedule
from wsigraph.training.mining.hard_negatives import REACH, hard_negatives
from wsigraph.training.mining.positives import FLOOR, PACE, pace, self_paced
from wsigraph.training.mining.record import Histogram, MiningRecord
from wsigraph.training.mining.scored import Chosen, ScoredSlide
from wsigraph.training.seeds import mix

RATIO = Schedule(0.05)


@dataclass(frozen=True)
class Rules:
    """How patches are chosen.

    Args:
        ratio: Share of the patches of negative slides that are hard, over the epochs.
        floor: Score above which a patch of a positive slide is a candidate.
        share: Share of the candidates taken for positive, over the epochs after the warm-up.
        warmup: Epochs before that share moves.
        reach: How far a group of near classes may exceed its share of the hard negatives.

    Source: HNM-WSI (Huang et al. 2024), the paper's numbers; reach is ours.
    """

    ratio: Schedule = RATIO
    floor: float = FLOOR
    share: Schedule = PACE
    warmup: int = 5
    reach: float = REACH


@dataclass(frozen=True)
class Mined:
    """Pseudo-labels of one class.

    Args:
        positives: Patches taken for positive.
        negatives: Hard negatives.
        record: Counts, thresholds and histograms.

    Every other patch of the slides is uncertain or an easy negative; fine-tuning reads neither.
    """

    positives: Chosen
    negatives: Chosen
    record: MiningRecord


def mine(
    slides: Sequence[ScoredSlide],
    rules: Rules | None = None,
    *,
    epoch: int,
    epochs: int,
    target: int = 1,
    order: Sequence[Sequence[int]] | None = None,
    seed: int = 0,
) -> Mined:
    """Choose the patches that the encoder is fine-tuned on until the next refresh.

    Args:
        slides: Training slides with the scores of class ``target``.
        rules: How patches are chosen; the paper's where not given.
        epoch: Counted from 0.
        epochs: Number of epochs.
        target: Class that is mined.
        order: Groups of the other classes, nearest first; None is one group.
        seed: Seed of the run; draws only among patches that tie at a threshold.

    Raises: CohortError: if the slides are of one class. RecipeError: if a share lies outside its range.
    """
    rules = rules or Rules()
    ratio = rules.ratio.at(epoch, epochs)
    share = pace(epoch, epochs, warmup=rules.warmup, schedule=rules.share)
    drawn = mix(seed, "mining", epoch)
    negatives = hard_negatives(slides, target=target, ratio=ratio, order=order, reach=rules.reach, seed=drawn)
    positives = self_paced(slides, share=share, target=target, floor=rules.floor, seed=drawn)
    others = [slide.scores for slide in slides if slide.label >= 0 and slide.label != target]
    record = MiningRecord(
        target=target,
        epoch=epoch,
        ratio=ratio,
        share=share,
        floor=rules.floor,
        unknown_slides=sum(slide.label < 0 for slide in slides),
        positives=positives.counts,
        tiers=negatives.tiers,
        positive_scores=Histogram.of(slide.scores for slide in slides if slide.label == target),
        negative_scores=Histogram.of(others),
    )
    return Mined(positives.chosen, negatives.chosen, record)
