"""A family of comparisons, and whether intervals of differences hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wsigraph.errors import RunError
from wsigraph.evaluation.family import compare_family
from wsigraph.evaluation.intervals import draw_patients, interval
from wsigraph.evaluation.paired import paired_difference
from wsigraph.evaluation.resampled import area


@pytest.fixture
def answers(make_scores, make_rows):
    """Three methods on 60 slides of 30 patients, two seeds; the graph knows most."""
    said = {}
    labels, _ = make_scores(60, 2, seed=1)
    for place, (name, skill) in enumerate({"set": 0.5, "graph": 2.0, "shuffled": 0.5}.items()):
        rows = []
        for repeat in range(2):
            rng = np.random.default_rng([place, repeat])
            chance = 1 / (1 + np.exp(-(rng.normal(size=60) + skill * (2 * labels - 1))))
            probabilities = np.stack([1 - chance, chance], 1)
            rows += make_rows(labels, probabilities, np.arange(60) // 2, repeat=repeat)
        said[name] = rows
    return said


PAIRS = [("graph", "set"), ("graph", "shuffled"), ("shuffled", "set")]


def test_each_pair_is_the_paired_difference_and_p_is_holms(answers):
    found = compare_family(answers, PAIRS, resamples=300, seed=4)
    alone = [paired_difference(answers[a], answers[b], metric="auc", resamples=300, seed=4) for a, b in PAIRS]
    assert [one.found for one in found] == alone
    order = sorted(range(3), key=lambda i: alone[i].p_value)
    highest = 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, (3 - step) * alone[place].p_value))
        assert found[place].holm_p == pytest.approx(highest)
    assert found[0].found.verdict == "a"
    assert found[2].found.verdict == "neither"


def test_seeds_alone_average_to_the_headline(answers):
    """Also against pairs counted one by one."""

    def counted(rows):
        said = [(row.probabilities[1], row.label) for row in rows]
        return np.mean([(p > n) + 0.5 * (p == n) for p, a in said if a for n, b in said if not b])

    (found,) = compare_family(answers, [("graph", "set")], resamples=50)
    for repeat in range(2):
        sides = [[row for row in answers[name] if row.repeat == repeat] for name in ("graph", "set")]
        assert found.per_seed[repeat] == pytest.approx(counted(sides[0]) - counted(sides[1]))
    assert np.mean(found.per_seed) == pytest.approx(found.found.difference)


def test_an_absent_method_is_named(answers):
    with pytest.raises(RunError, match=r"methods of \['graph', 'set', 'shuffled'\], got \['gat'\]"):
        compare_family(answers, [("gat", "set")])
    with pytest.raises(RunError, match="got 'mcc'"):
        compare_family(answers, PAIRS, metric="mcc")


def cohort_of(rng, patients, skills):
    """Two slides a patient, alike in part; two methods of given skill on the same slides."""
    labels = np.repeat(np.arange(patients) % 2, 2)
    of_patient = np.repeat(rng.normal(size=patients), 2)
    of_slide = rng.normal(size=2 * patients)
    own = rng.normal(size=(2, 2 * patients))
    noise = np.sqrt(0.4) * of_patient + np.sqrt(0.2) * of_slide + np.sqrt(0.4) * own
    return labels, noise + np.array(skills)[:, None] * labels


@pytest.mark.parametrize("skills", [(1.2, 1.2), (1.6, 1.0)])
def test_intervals_hold_the_true_difference_as_often_as_they_say(skills):
    """95 % intervals of the paired AUC difference over 400 simulated cohorts of 120 patients."""
    rng, cohorts, patients = np.random.default_rng(7), 400, 120
    truth = float(np.diff(stats.norm.cdf(np.array(skills[::-1]) / np.sqrt(2)))[0])
    drawn = draw_patients(patients, resamples=400, seed=0)
    weights = np.repeat(np.concatenate([np.ones((1, patients)), drawn]), 2, axis=1)
    held = 0
    for _ in range(cohorts):
        labels, scores = cohort_of(rng, patients, skills)
        first, second = (area(labels == 1, score, weights) for score in scores)
        change = first - second
        found = interval(float(change[0]), change[1:])
        held += found.low <= truth <= found.high
    low, high = stats.binomtest(held, cohorts).proportion_ci(0.95)
    assert low <= 0.95 <= high, f"{held} of {cohorts}"


def test_intervals_that_forget_the_patients_are_too_narrow():
    """The same with slides resampled as if they were patients: the test above can fail."""
    rng, cohorts, patients = np.random.default_rng(8), 300, 60
    drawn = draw_patients(2 * patients, resamples=300, seed=0)
    held = 0
    for _ in range(cohorts):
        labels = np.repeat(np.arange(patients) % 2, 2)
        score = np.repeat(rng.normal(size=patients), 2) + 0.3 * rng.normal(size=2 * patients) + labels
        draws = area(labels == 1, score, drawn)
        found = interval(0.0, draws)
        held += found.low <= stats.norm.cdf(1 / np.sqrt(2 * 1.09)) <= found.high
    assert stats.binomtest(held, cohorts).proportion_ci(0.95).high < 0.93
