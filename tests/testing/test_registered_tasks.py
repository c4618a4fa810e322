"""Every registered task meets the shipped kit, and the kit finds what is wrong with a broken one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wsigraph.data.tasks.base import Task, make_task
from wsigraph.data.tasks.classification import Classification
from wsigraph.data.tasks.regression import Regression
from wsigraph.testing.tasks import check_task

TIMES = [{"time": str(t), "event": str(int(t % 3 > 0))} for t in range(1, 13)]
ROWS = {
    "classification": [{"label": name} for name in "abcab"],
    "ordinal": [{"label": name} for name in ("10", "9", "2", "9")],
    "multilabel": [{"label": cell} for cell in ("a;b", ";", "b", "c")],
    "regression": [{"label": cell} for cell in ("1.5", "-2", "7")],
    "cox": TIMES,
    "discrete_time": TIMES,
}
HERE = [name for name in Task.registry.names() if name in ROWS]


@pytest.mark.parametrize("name", HERE)
def test_task(name):
    check_task(make_task(name), rows=ROWS[name])


def test_labels_and_numbers_in_several_columns():
    check_task(
        make_task({"name": "multilabel", "target_col": "a,b"}),
        rows=[{"a": "1", "b": ""}, {"a": "0", "b": "1"}],
    )
    rows = [{"a": "1", "b": ""}, {"a": "2", "b": "5"}, {"a": "", "b": "6"}]
    check_task(make_task({"name": "regression", "target_col": "a,b"}), rows=rows)


def test_every_built_in_task_is_checked_here_or_beside_its_own_parts():
    built_in = {n for n in Task.registry.names() if Task.registry.get(n).__module__.startswith("wsigraph.")}
    assert built_in - set(HERE) <= {"hierarchy"}


@dataclass(frozen=True)
class Mixed(Classification):
    """Slides hear each other."""

    def answer(self, logits):
        return (logits - logits.mean(0)).softmax(-1)


@dataclass(frozen=True)
class Forgetful(Regression):
    """Forgets its scale on the way through JSON."""

    def settings(self):
        return {"name": "regression"}


@dataclass(frozen=True)
class Narrow(Classification):
    """Names one column too few."""

    def answer_columns(self, classes):
        return super().answer_columns(classes)[1:]


@pytest.mark.parametrize(
    ("task", "rows", "said"),
    [
        (Mixed(), "classification", "slides answered one by one as together"),
        (Forgetful(), "regression", "the same answer from its settings"),
        (Narrow(), "classification", r"an answer \[5, 2\]"),
    ],
)
def test_planted_faults_are_found(task, rows, said):
    with pytest.raises(AssertionError, match=said):
        check_task(task, rows=ROWS[rows])
