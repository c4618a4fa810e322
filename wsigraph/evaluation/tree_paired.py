"""Is one method less wrong than another over a label tree, on the same patients?"""

from __future__ import annotations

from collections.abc import Iterable

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.prediction import TreePrediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.paired import PairedDifference, compare
from wsigraph.evaluation.tables import Measure
from wsigraph.evaluation.tree_metrics import TREE_METRICS, on_rows
from wsigraph.evaluation.tree_sample import tree_sample


def paired_tree_difference(
    a: Iterable[TreePrediction],
    b: Iterable[TreePrediction],
    tree: LabelTree,
    *,
    metric: str,
    rule: str = "sum",
    resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """Compare the answered lines of two methods, matched by (slide, repeat), as ``paired_difference`` does.

    Args:
        a: Answers of one method.
        b: Answers of the other.
        tree: The tree.
        metric: Of ``wsigraph.evaluation.tree_metrics.TREE_METRICS``.
        rule: How one line is chosen from the levels, see ``label_tree.probabilities.consistent_answers``.
        resamples: Number of resamples, and of permutations.
        seed: Of both.

    Raises: RunError: if the slides, labels or patients do not match, or the metric is unknown.
    """
    if metric not in TREE_METRICS:
        raise RunError(expected("paired_tree_difference", f"a metric of {list(TREE_METRICS)}", f"'{metric}'"))
    measure = Measure(on_rows(TREE_METRICS[metric]), TREE_METRICS[metric])
    left, right = (tree_sample(rows, tree, rule=rule).lines for rows in (a, b))
    return compare(left, right, measure, name=metric, resamples=resamples, seed=seed)
