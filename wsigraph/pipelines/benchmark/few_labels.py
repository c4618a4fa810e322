"""Methods of one contest on shares of the training slides."""

from __future__ import annotations

from collections.abc import Sequence

from wsigraph.evaluation.label_curve import CurvePoint, label_curve
from wsigraph.pipelines.benchmark.measured import Difference, Yardstick, difference, measure
from wsigraph.pipelines.benchmark.results import Results

MOST = 1000
"""Resamples of a point: there are many of them."""


def curves_of(
    results: Results, cohort: str, methods: Sequence[str], *, stick: Yardstick, resamples: int
) -> dict[str, tuple[CurvePoint, ...]]:
    """The metric at each share, of methods that were run at two or more; estimates have none.

    Args:
        results: Finished cells.
        cohort: Its name.
        methods: Names of methods without a control.
        stick: What they are judged by.
        resamples: Of each interval, up to ``MOST``.
    """
    found = {}
    for method in methods if stick.classes else ():
        answers = results.curve(cohort, method)
        if len(answers) > 1:
            points = label_curve(answers, metric=stick.name, resamples=min(resamples, MOST))
            found[method] = tuple(points)
    return found


def gains_of(
    results: Results, cohort: str, pairs: Sequence[tuple[str, str]], *, stick: Yardstick, resamples: int
) -> dict[float, tuple[Difference, ...]]:
    """Each pair's difference at each share below 1, on the seeds that all methods of that share finished.

    Args:
        results: Finished cells.
        cohort: Its name.
        pairs: Methods, each less the other.
        stick: What they are judged by.
        resamples: Of each interval, up to ``MOST``.
    """
    found = {}
    for share in sorted({cell["share"] for cell in results.cells if cell["cohort"] == cohort} - {1.0}):
        answers = results.answers(cohort, share=share)
        there = [pair for pair in pairs if set(pair) <= set(answers)]
        if there and stick.classes:
            names = {name for pair in there for name in pair}
            measured = {name: measure(answers[name], stick, resamples=min(resamples, MOST)) for name in names}
            found[share] = tuple(difference(measured, a, b) for a, b in there)
    return found
