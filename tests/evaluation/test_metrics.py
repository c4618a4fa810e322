"""Point metrics against scikit-learn and numbers worked by hand; weighted metrics against repeated rows."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn import metrics as sk

from wsigraph.evaluation import metrics, resampled


@pytest.mark.parametrize("classes", [2, 4])
def test_point_values_equal_scikit_learn(make_scores, classes):
    y, p = make_scores(200, classes, seed=classes)
    pred = p.argmax(1)
    assert metrics.accuracy(y, p) == sk.accuracy_score(y, pred)
    assert metrics.balanced_accuracy(y, p) == pytest.approx(sk.balanced_accuracy_score(y, pred), abs=1e-15)
    assert metrics.f1(y, p) == sk.f1_score(y, pred, average="macro")
    if classes == 2:
        assert metrics.auc(y, p) == sk.roc_auc_score(y, p[:, 1])
        assert metrics.brier(y, p) == pytest.approx(2 * sk.brier_score_loss(y, p[:, 1]), abs=1e-15)
    else:
        assert metrics.auc(y, p) == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"), abs=1e-15)
    assert metrics.confusion(y, p).tolist() == sk.confusion_matrix(y, pred).tolist()


def test_brier_and_ece_by_hand():
    y = np.array([0, 1, 1])
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]])
    assert metrics.brier(y, p) == pytest.approx((0.02 + 0.32 + 1.28) / 3)
    # top .9 right, .6 right, .8 wrong, each alone in its bin of width 1/15
    assert metrics.ece(y, p) == pytest.approx((0.1 + 0.4 + 0.8) / 3)
    same_bin = np.array([[0.90, 0.10], [0.91, 0.09]])
    assert metrics.ece(np.array([0, 1]), same_bin) == pytest.approx(abs(0.905 - 0.5))


def test_a_sure_and_right_classifier_is_perfect():
    y = np.array([0, 1, 2, 1])
    p = np.eye(3)[y]
    for name, metric in metrics.METRICS.items():
        assert metric(y, p) == (0.0 if name in metrics.LOWER_IS_BETTER else 1.0)


def test_what_cannot_be_computed_is_nan_and_silent():
    y = np.zeros(4, dtype=int)
    p = np.array([[0.9, 0.1]] * 4)
    assert np.isnan(metrics.auc(y, p))
    assert np.isnan(metrics.recall_per_class(y, p)).tolist() == [False, True]
    assert np.isnan(metrics.precision_per_class(y, p)).tolist() == [False, True]
    assert metrics.f1(y, p) == 1.0
    assert metrics.balanced_accuracy(y, p) == 1.0
    three = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert np.isnan(metrics.auc(np.array([0, 1]), three))
    empty = np.zeros((0, 2))
    assert all(np.isnan(metric(np.zeros(0, dtype=int), empty)) for metric in metrics.METRICS.values())


@pytest.mark.parametrize("classes", [2, 3])
def test_weighted_equals_plain_on_the_repeated_rows(make_scores, classes):
    y, p = make_scores(40, classes, seed=7)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(4, np.full(40, 1 / 40), size=60).astype(float)  # few rows: classes go missing
    undefined = 0
    plain = [*metrics.METRICS.items(), *metrics.CLASS_METRICS.items()]
    fast = [*resampled.RESAMPLED.values(), *resampled.CLASS_RESAMPLED.values()]
    for (name, metric), weighted in zip(plain, fast, strict=True):
        got = weighted(y, p, weights)
        for w, value in zip(weights, got, strict=True):
            index = np.repeat(np.arange(40), w.astype(int))
            reference = metric(y[index], p[index])
            np.testing.assert_allclose(value, reference, atol=1e-12, err_msg=name)
            undefined += int(np.isnan(reference).any())
    assert undefined > 0


def test_both_tables_name_the_same_metrics():
    assert list(metrics.METRICS) == list(resampled.RESAMPLED)
    assert list(metrics.CLASS_METRICS) == list(resampled.CLASS_RESAMPLED)


def test_a_thousand_resamples_of_300_slides_take_well_under_two_seconds(make_scores):
    y, p = make_scores(300, 3, seed=0)
    weights = np.random.default_rng(0).multinomial(300, np.full(300, 1 / 300), size=1000).astype(float)
    start = time.perf_counter()
    for metric in resampled.RESAMPLED.values():
        metric(y, p, weights)
    assert time.perf_counter() - start < 2.0
