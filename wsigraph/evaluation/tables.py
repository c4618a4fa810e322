"""Which metrics a task is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from wsigraph.evaluation import metrics, multilabel, ordinal, regression, resampled, survival
from wsigraph.evaluation.intervals import Plain
from wsigraph.evaluation.resampled import Resampled
from wsigraph.evaluation.tree_metrics import TREE_METRICS, on_rows


@dataclass(frozen=True)
class Measure:
    """One metric.

    Args:
        plain: On rows.
        resampled: The same on many resamples at once.
    """

    plain: Plain
    resampled: Resampled


@dataclass(frozen=True)
class Table:
    """The metrics of a task.

    Args:
        overall: By name, one number each.
        each: By name, one number for each class, label or value.
        headline: Names of those that a report begins with.
    """

    overall: Mapping[str, Measure]
    each: Mapping[str, Measure] = field(default_factory=dict)
    headline: tuple[str, ...] = ()


def _together(plain: Mapping[str, Callable], fast: Mapping[str, Resampled]) -> dict[str, Measure]:
    return {name: Measure(plain[name], fast[name]) for name in plain}


def _mean(measure: Measure) -> Measure:
    """Mean over labels or values; undefined as soon as one is, because the others' mean is something else."""

    def plain(targets: np.ndarray, values: np.ndarray) -> float:
        return float(np.mean(measure.plain(targets, values)))

    def fast(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return measure.resampled(targets, values, weights).mean(1)

    return Measure(plain, fast)


def _of_names(each: Mapping[str, Measure], headline: tuple[str, ...]) -> Table:
    return Table({name: _mean(one) for name, one in each.items()}, each, headline)


_CLASSES = _together(metrics.METRICS, resampled.RESAMPLED)
_EACH_CLASS = _together(metrics.CLASS_METRICS, resampled.CLASS_RESAMPLED)
_ORDER = {
    "quadratic_kappa": Measure(ordinal.quadratic_kappa, ordinal.resampled_kappa),
    "class_distance": Measure(ordinal.class_distance, ordinal.resampled_distance),
}
_LINES = {name: Measure(on_rows(metric), metric) for name, metric in TREE_METRICS.items()}
"""Rows are lines of a label tree, true and answered; each level has the metrics of classes beside them."""
_LABELS = {
    "auc": Measure(multilabel.auc, multilabel.resampled_auc),
    "average_precision": Measure(multilabel.average_precision, multilabel.resampled_precision),
}
_VALUES = {
    "mae": Measure(regression.mae, regression.resampled_mae),
    "rmse": Measure(regression.rmse, regression.resampled_rmse),
    "r2": Measure(regression.r2, regression.resampled_r2),
    "pearson": Measure(regression.pearson, regression.resampled_pearson),
    "spearman": Measure(regression.spearman, regression.resampled_spearman),
}
_SURVIVAL = Table(
    {"concordance": Measure(survival.concordance, survival.resampled_concordance)}, headline=("concordance",)
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "classification": Table(_CLASSES, _EACH_CLASS, ("auc", "balanced_accuracy", "accuracy", "f1")),
        "ordinal": Table(
            _ORDER | _CLASSES,
            _EACH_CLASS,
            ("quadratic_kappa", "class_distance", "accuracy", "balanced_accuracy"),
        ),
        "hierarchy": Table(_LINES, headline=("hierarchical_f1", "severity", "severity_of_mistakes")),
        "multilabel": _of_names(_LABELS, ("auc", "average_precision")),
        "regression": _of_names(_VALUES, ("r2", "mae", "pearson", "spearman")),
        "cox": _SURVIVAL,
        "discrete_time": _SURVIVAL,
    }
)
"""By name of the task."""
