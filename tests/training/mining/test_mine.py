"""One mining as a whole, its record through a JSON file, and when it may be done again."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from wsigraph.errors import CohortError
from wsigraph.io.atomic import read_json, write_json
from wsigraph.nn.schedule import Schedule
from wsigraph.training.mining.mine import Rules, mine
from wsigraph.training.mining.record import Histogram, MiningRecord
from wsigraph.training.mining.refresh import decide
from wsigraph.training.mining.scored import ScoredSlide


@pytest.fixture
def slides():
    """Made-up scores: three classes, one slide unknown, one positive slide without a candidate."""
    rng = np.random.default_rng(0)
    labels = [0, 0, 1, 1, 2, -1]
    made = [ScoredSlide(f"s{i}", y, rng.random(200, np.float32)) for i, y in enumerate(labels)]
    made[3] = ScoredSlide("s3", 1, (0.3 * rng.random(50)).astype(np.float32))
    return made


def test_every_patch_is_accounted_for(slides):
    found = mine(slides, epoch=8, epochs=20)
    record = found.record
    assert (record.ratio, record.floor, record.target) == (0.05, 0.3, 1)
    assert record.share == pytest.approx(0.2 + 0.6 * 3 / 14)
    assert record.hard == len(found.negatives) == 30
    assert record.hard + record.easy == 600 == sum(record.negative_scores.counts)
    assert record.positives.taken == len(found.positives) > 0
    assert record.positives.taken + record.positives.uncertain == 250 == sum(record.positive_scores.counts)
    assert (record.positives.slides, record.positives.silent, record.unknown_slides) == (2, 1, 1)
    assert {slides[s].label for s in found.negatives.slide} <= {0, 2}
    assert {slides[s].label for s in found.positives.slide} == {1}


def test_ratio_and_share_follow_their_schedules(slides):
    rules = Rules(ratio=Schedule(0.5, 0.1), share=Schedule(0.4, 1.0), warmup=1, floor=0.0)
    hard = [mine(slides, rules, epoch=e, epochs=5).record.hard for e in range(5)]
    assert hard == [300, 240, 180, 120, 60]
    taken = [mine(slides, rules, epoch=e, epochs=5).record.positives.taken for e in range(5)]
    assert taken == [math.ceil(round(s * 250, 6)) for s in (0.4, 0.4, 0.6, 0.8, 1.0)]


def test_the_record_goes_through_a_file(slides, tmp_path):
    rules = Rules(floor=2.0)  # no candidate: thresholds that JSON must hold as null
    for record in (
        mine(slides, epoch=3, epochs=9).record,
        mine(slides, rules, target=0, order=[[2], [1]], epoch=3, epochs=9).record,
    ):
        write_json(tmp_path / "mining.json", record.to_dict())
        assert MiningRecord.from_dict(read_json(tmp_path / "mining.json")) == record
        assert json.loads(json.dumps(record.to_dict(), allow_nan=False)) == record.to_dict()
    assert record.to_dict()["positives"]["threshold"] is None
    assert [tier["classes"] for tier in record.to_dict()["tiers"]] == [[2], [1]]


def test_histograms_count_as_numpy_does_and_reach_as_far_as_logits():
    rng = np.random.default_rng(1)
    chunks = [rng.random(50), np.zeros(0), np.array([0.0, 1.0])]
    edges = np.linspace(0, 1, 21)
    assert Histogram.of(chunks) == Histogram(
        tuple(edges.tolist()), tuple(np.histogram(np.concatenate(chunks), edges)[0].tolist())
    )
    logits = Histogram.of([np.array([-8.0, 12.0])])
    assert (logits.edges[0], logits.edges[-1]) == (-8.0, 12.0)
    assert (logits.counts[0], logits.counts[-1], sum(logits.counts)) == (1, 1, 2)
    assert sum(Histogram.of([]).counts) == 0


def test_ties_are_drawn_anew_in_each_epoch_and_for_each_seed(slides):
    flat = [dataclasses.replace(one, scores=np.ones_like(one.scores)) for one in slides]

    def taken(**options):
        return mine(flat, **{"epoch": 6, "epochs": 9, **options}).negatives.patch.tolist()

    assert taken() == taken()
    assert taken() != taken(epoch=7)
    assert taken() != taken(seed=1)


def test_one_class_is_refused(slides):
    with pytest.raises(CohortError, match="slides of another class"):
        mine([one for one in slides if one.label in (1, -1)], epoch=0, epochs=9)
    with pytest.raises(CohortError, match="slides of class 1"):
        mine([one for one in slides if one.label != 1], epoch=0, epochs=9)


def test_labels_are_refreshed_only_while_validation_does_not_fall():
    standing, accepted = None, []
    for score in (0.6, 0.6, 0.5, 0.59, 0.7, math.nan, 0.69, 0.7):
        found = decide(standing, score)
        standing = found.standing
        accepted.append(found.accepted)
        assert found.score == score or math.isnan(score)
    assert accepted == [True, True, False, False, True, False, False, True]
    assert standing == 0.7


def test_a_first_score_that_is_not_defined_is_replaced_by_the_first_that_is():
    first = decide(None, math.nan)
    assert first.accepted
    assert not decide(first.standing, math.nan).accepted
    assert decide(first.standing, 0.1).accepted
