"""Metrics beyond classes: loops, scikit-learn and lifelines; on resamples as on the rows repeated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.evaluation import multilabel, ordinal, regression, survival
from wsigraph.evaluation.tables import TABLES


def rows_of(task, n, *, seed=0, names=2):
    """Truth and answers of a task, ties and gaps among them; the last column of rows is the fold."""
    rng = np.random.default_rng(seed)
    if task == "ordinal":
        labels = rng.integers(0, 4, n)
        logits = rng.normal(size=(n, 4)) - np.abs(np.arange(4) - labels[:, None])
        return labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if task == "hierarchy":
        tree = ready_tree("bracs")
        truth, answer = (np.array([tree.line(-1, k) for k in rng.integers(0, 7, n)]) for _ in range(2))
        truth[rng.uniform(size=n) < 0.2, 1] = -1
        return truth, np.where(rng.uniform(size=(n, 1)) < 0.5, answer, np.where(truth < 0, answer, truth))
    fold = rng.integers(0, 2, (n, 1)).astype(float)
    values = np.round(rng.uniform(size=(n, names)), 1)
    if task in ("cox", "discrete_time"):
        time = np.round(10 * (1.2 - values[:, :1]) + rng.normal(size=(n, 1))).clip(0)
        return np.hstack([time, rng.integers(0, 2, (n, 1)), fold]), values
    noisy = values + 0.3 * rng.normal(size=(n, names))
    truth = (noisy > 0.5).astype(float) if task == "multilabel" else np.round(noisy, 1)
    truth[rng.uniform(size=truth.shape) < 0.15] = np.nan
    return np.hstack([truth, fold]), values


@pytest.mark.parametrize("task", [name for name in TABLES if name != "classification"])
@pytest.mark.parametrize("size", [40, 2])
def test_resamples_equal_the_plain_metric_on_the_repeated_rows(task, size):
    truth, values = rows_of(task, 40, seed=3)
    weights = np.random.default_rng(1).multinomial(size, np.full(40, 1 / 40), size=50).astype(float)
    undefined, table = 0, TABLES[task]
    for name, one in [*table.overall.items(), *table.each.items()]:
        got = one.resampled(truth, values, weights)
        for w, value in zip(weights, got, strict=True):
            index = np.repeat(np.arange(40), w.astype(int))
            wanted = one.plain(truth[index], values[index])
            np.testing.assert_allclose(value, wanted, atol=1e-10, err_msg=name)
            undefined += int(np.isnan(wanted).any())
    assert undefined > 0 or size > 2


@pytest.mark.parametrize("task", list(TABLES))
def test_headlines_are_metrics(task):
    assert set(TABLES[task].headline) <= set(TABLES[task].overall)


def test_the_mean_over_labels_is_undefined_as_soon_as_one_is():
    truth = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    values = np.array([[0.9, 0.1], [0.2, 0.2]])
    assert multilabel.auc(truth, values).tolist() == [1.0, pytest.approx(math.nan, nan_ok=True)]
    assert math.isnan(TABLES["multilabel"].overall["auc"].plain(truth, values))


def test_labels_equal_scikit_learn_where_they_are_known():
    truth, values = rows_of("multilabel", 80, names=3)
    for k in range(3):
        known = ~np.isnan(truth[:, k])
        t, v = truth[known, k], values[known, k]
        assert multilabel.auc(truth, values)[k] == sk.roc_auc_score(t, v)
        assert multilabel.average_precision(truth, values)[k] == sk.average_precision_score(t, v)


def test_average_precision_by_hand():
    truth = np.array([[1, 0], [0, 0], [1, 0], [1, 0], [0, 0]], dtype=float)
    values = np.array([[0.9], [0.8], [0.7], [0.7], [0.1]])
    # at .9 precision 1 of recall 1/3; at .7 precision 3/4, recall 2/3 more
    assert multilabel.average_precision(truth, values)[0] == pytest.approx(1 / 3 + 2 / 3 * 3 / 4)


def test_ordinal_by_hand_and_by_scikit_learn():
    labels, probabilities = rows_of("ordinal", 60)
    predicted = probabilities.argmax(1)
    assert ordinal.class_distance(labels, probabilities) == np.mean(
        [abs(int(a) - int(b)) for a, b in zip(labels, predicted, strict=True)]
    )
    kappa = sk.cohen_kappa_score(labels, predicted, weights="quadratic")
    assert ordinal.quadratic_kappa(labels, probabilities) == pytest.approx(kappa)
    one_hot = np.eye(3)[[0, 1, 2, 2]]
    # observed squares: 1 of 4 rows off by 1; by chance: truth (1, 2, 1) against prediction (1, 1, 2), of 16
    chance = sum(a * b * (i - j) ** 2 for i, a in enumerate([1, 2, 1]) for j, b in enumerate([1, 1, 2])) / 16
    assert ordinal.quadratic_kappa(np.array([0, 1, 2, 1]), one_hot) == pytest.approx(1 - (1 / 4) / chance)
    assert ordinal.quadratic_kappa(np.arange(3), np.eye(3)) == 1.0
    assert math.isnan(ordinal.quadratic_kappa(np.zeros(2, dtype=int), np.eye(3)[[0, 0]]))


def test_regression_equals_loops_and_scipy():
    truth, values = rows_of("regression", 50)
    for k in range(2):
        known = ~np.isnan(truth[:, k])
        t, v = truth[known, k], values[known, k]
        error = [a - b for a, b in zip(v.tolist(), t.tolist(), strict=True)]
        assert regression.mae(truth, values)[k] == pytest.approx(sum(map(abs, error)) / len(error))
        assert regression.rmse(truth, values)[k] == pytest.approx(
            math.sqrt(sum(e * e for e in error) / len(error))
        )
        spread = sum((a - t.mean()) ** 2 for a in t)
        assert regression.r2(truth, values)[k] == pytest.approx(1 - sum(e * e for e in error) / spread)
        assert regression.pearson(truth, values)[k] == pytest.approx(np.corrcoef(t, v)[0, 1])
        ranks = np.corrcoef(stats.rankdata(t), stats.rankdata(v))[0, 1]
        assert regression.spearman(truth, values)[k] == pytest.approx(ranks)


def test_regression_at_its_best_and_where_nothing_varies():
    truth = np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    best = {name: one.plain(truth, truth[:, :1]) for name, one in TABLES["regression"].overall.items()}
    assert best == pytest.approx({"mae": 0, "rmse": 0, "r2": 1, "pearson": 1, "spearman": 1})
    same = np.full((3, 1), 0.1)
    assert np.isnan(regression.pearson(truth, same)).all()
    weights = np.ones((1, 3))
    assert np.isnan(regression.resampled_pearson(truth, same, weights)).all()
    assert np.isnan(regression.resampled_r2(np.hstack([same, same]), truth[:, :1], weights)).all()


def concordance_by_loops(targets, risks):
    right = pairs = 0.0
    for (t, e, f), r in zip(targets.tolist(), risks.tolist(), strict=True):
        for (t2, e2, f2), r2 in zip(targets.tolist(), risks.tolist(), strict=True):
            if e and f == f2 and (t < t2 or (t == t2 and not e2)):
                pairs += 1
                right += 1.0 if r > r2 else 0.5 if r == r2 else 0.0
    return right / pairs


@pytest.mark.parametrize("seed", range(4))
def test_concordance_equals_loops(seed):
    targets, values = rows_of("cox", 40, seed=seed)
    assert survival.concordance(targets, values) == pytest.approx(
        concordance_by_loops(targets, values[:, 0]), rel=1e-12
    )


@pytest.mark.parametrize("seed", range(6))
def test_concordance_equals_lifelines_with_censoring_and_ties(seed):
    from lifelines.utils import concordance_index

    targets, values = rows_of("cox", 60, seed=seed)
    targets[:, 2] = 0.0
    wanted = concordance_index(targets[:, 0], -values[:, 0], targets[:, 1])
    assert survival.concordance(targets, values) == pytest.approx(wanted, rel=1e-12)


def test_concordance_by_hand():
    risk = np.array([[3.0], [2.0], [1.0]])

    def of(*rows):
        return survival.concordance(np.array(rows, dtype=float), risk[: len(rows)])

    assert of((1, 1, 0), (2, 1, 0), (3, 1, 0)) == 1.0
    assert of((3, 1, 0), (2, 1, 0), (1, 1, 0)) == 0.0
    assert of((1, 1, 0), (1, 0, 0)) == 1.0  # censored at the time of an event: known to live longer
    assert math.isnan(of((1, 1, 0), (1, 1, 0)))  # two events at one time
    assert math.isnan(of((1, 0, 0), (2, 1, 0)))  # who was censored first may have died first or last
    assert math.isnan(of((1, 1, 0), (2, 1, 1)))  # of two networks
    assert survival.concordance(np.array([[1.0, 1, 0], [2, 1, 0]]), np.ones((2, 1))) == 0.5


def test_risks_of_two_folds_on_two_scales_do_not_disturb_each_other():
    targets, values = rows_of("cox", 40, seed=1)
    moved = values.copy()
    moved[targets[:, 2] == 1.0] += 100
    assert survival.concordance(targets, moved) == survival.concordance(targets, values)


def test_large_cohorts_are_taken_in_blocks(monkeypatch):
    targets, values = rows_of("cox", 40, seed=2)
    weights = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), size=7).astype(float)
    whole = survival.resampled_concordance(targets, values, weights)
    monkeypatch.setattr(survival, "_BLOCK", 100)
    np.testing.assert_allclose(survival.resampled_concordance(targets, values, weights), whole, rtol=1e-12)
