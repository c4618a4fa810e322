"""Metrics as they stand on the screen."""

from __future__ import annotations

import pytest

from wsigraph.cli.screen import interval


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ({"value": 0.9312, "low": 0.88, "high": 0.9746}, "0.931 [0.880, 0.975]"),
        ({"value": 0.5}, "0.500"),
        ({"value": float("nan"), "low": float("nan"), "high": float("nan")}, "-"),
        ({"value": None, "low": None, "high": None}, "-"),
        (None, "-"),
    ],
)
def test_a_metric_stands_with_its_interval_and_a_dash_where_it_is_not_defined(metric, shown):
    assert interval(metric) == shown
