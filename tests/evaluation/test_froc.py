"""FROC at values worked out by hand, against loops, and with lesions of real slides."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.detections import Detections
from wsigraph.evaluation.froc import FALSE_POSITIVES, Hits, froc, froc_interval, hits
from wsigraph.evaluation.lesions import Lesions, lesions_of
from wsigraph.evaluation.outlines import Outlines


def detected(*found):
    """Detections from (x, y, probability)."""
    rows = np.array(found, float).reshape(-1, 3)
    return Detections("s", rows[:, :2], rows[:, 2])


TWO = Lesions(np.array([[1, 0, 2]], np.int32), np.array([False, False]), downsample=1)
ONE_AND_CELLS = Lesions(np.array([[1, 0, 2]], np.int32), np.array([False, True]), downsample=1)
IN_FIRST, OUTSIDE, IN_SECOND = (0.5, 0.5), (1.5, 0.5), (2.5, 0.5)


@pytest.fixture
def four():
    """Two slides with tumour, one without but with a false alarm, one without anything."""
    return [
        hits(detected((*IN_FIRST, 0.9), (*IN_FIRST, 0.95), (*OUTSIDE, 0.7)), TWO),
        hits(detected((*IN_SECOND, 0.99), (*IN_FIRST, 0.6), (*OUTSIDE, 0.5)), ONE_AND_CELLS),
        hits(detected((0.5, 0.5, 0.8)), None),
        hits(detected(), None),
    ]


def test_what_a_detection_meets(four):
    assert [h.false_positives.tolist() for h in four] == [[0.7], [0.5], [0.8], []]
    assert [h.best.tolist() for h in four] == [[0.95, 0.0], [0.6, 0.0], [], []]
    assert [h.counted for h in four] == [2, 1, 0, 0]


def test_a_curve_by_hand(four):
    found = froc(four)
    # thresholds .5 .6 .7 .8 .95 and above all: false 3 2 2 1 0 0 on 4 slides, found 2 2 1 1 1 0 of 3
    assert found.curve_false_positives.tolist() == [0.75, 0.5, 0.5, 0.25, 0.0, 0.0]
    assert found.curve_sensitivity == pytest.approx(np.array([2, 2, 1, 1, 1, 0]) / 3)
    assert found.sensitivities == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert found.score == pytest.approx(11 / 18)
    assert (found.lesions, found.slides) == (3, 4)


def test_between_two_points_the_curve_is_straight():
    far = Hits(np.array([0.8] * 3), np.array([0.9, 0.5]), 2)  # (0, 1/2), then (3, 1/2); the .5 is left out
    assert froc([far]).sensitivities == pytest.approx([0.5] * 6)
    missed = Hits(np.array([0.8, 0.8, 0.8]), np.array([0.9, 0.8, 0.0]), 3)  # (0, 1/3) to (3, 2/3)
    read = [1 / 3 + f / 9 for f in (0.25, 0.5, 1, 2)] + [2 / 3, 2 / 3]
    assert froc([missed]).sensitivities == pytest.approx(read)


def test_the_least_sure_detection_is_left_out_where_nothing_is_missed():
    """The challenge's rule: the lowest probability that occurs is never a threshold."""
    all_found = Hits(np.zeros(0), np.array([0.9, 0.4]), 2)
    assert froc([all_found]).score == 0.5
    assert froc([all_found, Hits(np.array([0.1]), np.zeros(0), 0)]).score == 1.0


def test_perfect_and_blind_models():
    lesions = Lesions(np.array([[1, 0, 2]], np.int32), np.array([False, False]), downsample=1)
    both = hits(detected((*IN_FIRST, 1.0), (*IN_SECOND, 1.0), (*OUTSIDE, 0.01)), lesions)
    assert froc([both]).score == 1.0
    assert froc([hits(detected(), lesions)]).score == 0.0
    alarms = detected(*[(*OUTSIDE, 0.99)] * 10, (*IN_FIRST, 0.5), (*IN_SECOND, 0.5))
    late = froc([hits(alarms, lesions), Hits(np.array([0.1]), np.zeros(0), 0)])
    assert late.sensitivities == pytest.approx([0, 0, 0, 0, 0, 1])  # 5 false alarms per slide before any hit


def by_loops(slides):
    """Threshold by threshold, count by count; read by walking along the curve."""
    every = sorted({float(p) for s in slides for p in (*s.false_positives, *s.best)})
    lesions = sum(s.counted for s in slides)
    curve = [(0.0, 0.0)]
    for threshold in reversed(every[1:]):
        false = sum(p >= threshold for s in slides for p in s.false_positives) / len(slides)
        curve.append((false, sum(p >= threshold for s in slides for p in s.best) / lesions))
    read = []
    for rate in FALSE_POSITIVES:
        before = [point for point in curve if point[0] <= rate][-1]
        after = next((point for point in curve if point[0] > rate), None)
        along = 0.0 if after is None else (rate - before[0]) / (after[0] - before[0])
        read.append(before[1] + along * ((after or before)[1] - before[1]))
    return read


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_definition(seed):
    rng = np.random.default_rng(seed)
    slides = []
    for _ in range(12):
        counted, isolated = rng.integers(0, 4), rng.integers(0, 2)
        best = np.where(rng.random(counted) < 0.7, np.round(rng.random(counted), 2), 0.0)
        false = np.round(rng.random(rng.integers(0, 15)), 2)
        slides.append(Hits(false, np.concatenate([best, np.zeros(isolated)]), int(counted)))
    assert froc(slides).sensitivities == pytest.approx(by_loops(slides), abs=1e-12)


def test_the_interval_draws_patients():
    rng = np.random.default_rng(0)
    slides = [Hits(rng.random(3), np.round(rng.random(2)) * rng.random(2), 2) for _ in range(30)]
    patients = [f"p{i // 2}" for i in range(30)]
    found = froc_interval(slides, patients, resamples=300)
    assert found.value == froc(slides).score
    assert found.low < found.value < found.high
    twice = froc_interval([*slides, *slides], [*patients, *patients], resamples=300)
    assert (twice.low, twice.high) == pytest.approx((found.low, found.high))  # copies add no evidence
    assert np.isnan(froc_interval(slides, ["p"] * 30, resamples=9).low)
    with pytest.raises(RunError, match="30 patients, one per slide, got 29"):
        froc_interval(slides, patients[1:])


def test_resamples_without_a_lesion_are_left_out():
    slides = [Hits(np.array([0.5]), np.array([0.9]), 1), Hits(np.array([0.2]), np.zeros(0), 0)]
    found = froc_interval(slides, ["a", "b"], resamples=200)
    assert 0 < found.defined < 200


def test_without_a_lesion_to_find_there_is_no_curve():
    cells = Lesions(np.array([[1]], np.int32), np.array([True]), downsample=1)
    with pytest.raises(RunError, match="lesions to find, got none on 2 slides"):
        froc([hits(detected((*IN_FIRST, 0.5)), cells), hits(detected(), None)])


@pytest.mark.real
def test_a_detector_that_knows_real_lesions_finds_them_all(real_data):
    with np.load(real_data / "camelyon16_lesions" / "lesion_polygons.npz", allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    slides, counted, polygons = [], 0, 0
    for name in ("tumor_102", "tumor_106", "tumor_107", "tumor_110"):
        mine = np.flatnonzero(held["slide"] == name)
        parts = {i: held["vertices"][held["ptr"][i] : held["ptr"][i + 1]] for i in mine}
        holes = [parts[i] for i in mine if not held["positive"][i]]
        lesions = lesions_of(Outlines.of([parts[i] for i in mine if held["positive"][i]], holes))
        height, width = lesions.labels.shape
        rows, columns = np.mgrid[:height, :width]
        points = [
            np.array([columns[lesions.labels == k + 1][0], rows[lesions.labels == k + 1][0]]) + 0.5
            for k in range(len(lesions.isolated))
        ]
        places = np.array(points) * lesions.downsample + [lesions.x, lesions.y]
        outside = np.array([[lesions.x, lesions.y]])  # the margin holds no lesion
        sure = np.append(np.full(len(places), 0.9), 0.1)
        slides.append(hits(Detections(name, np.concatenate([places, outside]), sure), lesions))
        assert slides[-1].false_positives.tolist() == [0.1]
        counted, polygons = counted + lesions.counted, polygons + len(parts) - len(holes)
    found = froc(slides)
    assert found.score == 1.0
    assert 0 < counted == found.lesions < polygons  # near polygons are joined, small ones do not count
