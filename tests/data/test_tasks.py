"""Tasks: cells to targets, targets to what a term reads, logits to answers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import Task, make_task
from wsigraph.data.tasks.cox import Cox
from wsigraph.data.tasks.discrete_time import DiscreteTime
from wsigraph.data.tasks.multilabel import MultiLabel
from wsigraph.data.tasks.ordinal import Ordinal
from wsigraph.data.tasks.regression import Regression
from wsigraph.errors import CohortError, RecipeError

NAN = math.nan


def row(task, cells, classes=()):
    return task.row(dict(zip(task.columns, cells, strict=True)), classes, where="line 2")


def test_the_family():
    assert set(Task.registry.names()) >= {
        *("classification", "multilabel", "ordinal", "regression", "cox", "discrete_time"),
    }


def test_classes_are_indices():
    task = make_task("classification", target_col="grade")
    assert task.columns == ("grade",)
    assert row(task, ["b"], ["a", "b"]) == (1.0,)
    assert row(task, ["c"], ["a", "b"]) == (-1.0,)
    assert task.missing({"grade": "NaN"}) == "no label in column 'grade'"
    assert task.missing({"grade": "0"}) == ""


def test_ordered_classes_are_sorted_as_numbers_or_given():
    assert Ordinal().in_order(["10", "9", "2"]) == ("2", "9", "10")
    assert Ordinal().in_order(["3.5", "-1"]) == ("-1", "3.5")
    with pytest.raises(
        CohortError, match=r"given in their order, got \['high', 'low'\].*--classes low,medium"
    ):
        Ordinal().in_order(["low", "high"])


def test_labels_in_one_column():
    task = MultiLabel("markers")
    cells = ["a;b", " b ", ";", "c; a;a"]
    assert task.in_order(set().union(*(task.words({"markers": cell}) for cell in cells))) == ("a", "b", "c")
    assert [row(task, [cell], ["a", "b", "c"]) for cell in cells] == [
        (1.0, 1.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, 1.0),
    ]
    assert task.missing({"markers": ""}) == "no label in column 'markers'"
    assert task.missing({"markers": ";"}) == ""


def test_labels_in_a_column_each():
    task = MultiLabel("er, pr")
    assert task.columns == ("er", "pr")
    assert task.in_order(task.words({})) == ("er", "pr")
    assert row(task, ["1", "0"], ("er", "pr")) == (1.0, 0.0)
    assert row(task, ["1", "0"], ("pr", "er")) == (0.0, 1.0)
    np.testing.assert_equal(row(task, ["yes", ""], ("er", "pr", "her2")), (1.0, NAN, NAN))
    assert task.missing({"er": "", "pr": "nan"}) == "no label in columns 'er', 'pr'"
    assert task.missing({"er": "", "pr": "0"}) == ""
    with pytest.raises(CohortError, match=r"line 2: expected 1 \(present\), 0 .* in column 'er', got '2'"):
        row(task, ["2", ""], ("er", "pr"))


def test_numbers():
    task = Regression("age,ki67")
    assert task.in_order(()) == ("age", "ki67")
    assert row(task, ["61", "-1.5e1"], ("age", "ki67")) == (61.0, -15.0)
    np.testing.assert_equal(row(task, ["", "3"], ("age", "ki67")), (NAN, 3.0))
    assert task.missing({"age": "", "ki67": ""}) == "no number in columns 'age', 'ki67'"
    for wrong in ("1,5", "old", "inf"):
        with pytest.raises(CohortError, match=f"expected a number in column 'age', got '{wrong}'. Decimals"):
            row(task, [wrong, ""], ("age", "ki67"))


def test_times_and_events():
    task = Cox("months", "died")
    assert row(task, ["12.5", "1"]) == (12.5, 1.0)
    assert row(task, ["0", "False"]) == (0.0, 0.0)
    assert task.missing({"months": "", "died": "1"}) == "no time in column 'months'"
    assert task.missing({"months": "3", "died": ""}) == "no event in column 'died'"
    with pytest.raises(CohortError, match=r"expected a time from 0 in column 'months', got '-1'"):
        row(task, ["-1", "1"])
    with pytest.raises(
        CohortError, match=r"expected 1 \(event\) or 0 \(censored\) in column 'died', got '2'"
    ):
        row(task, ["1", "2"])


def test_regression_learns_on_the_scale_of_the_training_slides():
    task = Regression("a,b").seen([(1.0, 10.0), (3.0, NAN), (5.0, 30.0)])
    assert task.mean == (3.0, 20.0)
    assert task.std == pytest.approx((math.sqrt(8 / 3), 10.0))
    read = task.step_target(torch.tensor([[3.0, 30.0], [5.0, NAN]]))
    np.testing.assert_allclose(read, [[0.0, 1.0], [2 / math.sqrt(8 / 3), NAN]], atol=1e-6)
    back = task.answer(read[:1])
    torch.testing.assert_close(back, torch.tensor([[3.0, 30.0]]))
    with pytest.raises(CohortError, match=r"Training slides: expected values 1 .* differ, got only \[7.0\]"):
        Regression("a,b").seen([(1.0, 7.0), (2.0, 7.0), (3.0, NAN)])


TRAINED = [(float(t), 1.0) for t in range(1, 9)] + [(20.0, 0.0), (0.5, 0.0)]


def test_bins_end_at_quantiles_of_the_training_events():
    task = DiscreteTime().seen(TRAINED)
    assert task.ends == (2.0, 4.0, 6.0, 20.0)  # two events each; the last ends where the slides do
    times = [0.0, 2.0, 2.1, 6.0, 8.0, 99.0]
    read = task.step_target(torch.tensor([(t, 1.0) for t in times]))
    assert read.tolist() == [[0, 1], [0, 1], [1, 1], [2, 1], [3, 1], [3, 1]]
    # bins are survived from their middle on: 1, 3, 5, 13
    times = [0.9, 1.0, 2.9, 3.0, 5.0, 12.9, 13.0, 99.0]
    read = task.step_target(torch.tensor([(t, 0.0) for t in times]))
    assert read[:, 0].tolist() == [0, 1, 1, 2, 3, 3, 4, 4]
    assert (read[:, 1] == 0).all()


def test_many_equal_times_still_give_bins_that_differ():
    task = DiscreteTime(num_bins=3).seen([(1.0, 1.0)] * 20 + [(2.0, 1.0), (3.0, 1.0), (4.0, 1.0)])
    assert task.ends == (2.0, 3.0, 4.0)
    with pytest.raises(
        CohortError, match=r"at least 3 different event times above 0 for 3 bins, got 2. Use few"
    ):
        DiscreteTime(num_bins=3).seen([(1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (5.0, 0.0)])


def test_survival_is_read_between_the_ends_of_bins():
    task = DiscreteTime(ends=(2, 4, 6, 20), times=(1, 4, 5, 30))
    hazards = torch.tensor([[0.5, 0.2, 0.0001, 0.9]], dtype=torch.float64)
    answer = task.answer(hazards.logit())[0].tolist()
    at_ends = [0.5, 0.4, 0.4 * 0.9999, 0.4 * 0.9999 * 0.1]
    assert task.answer_columns(()) == ("risk", "survival_1", "survival_4", "survival_5", "survival_30")
    assert answer[0] == pytest.approx(1 - sum(at_ends) / 4)
    # a constant hazard within a bin: half-way through the first bin a half of the log survival
    wanted = [0.5**0.5, at_ends[1], at_ends[1] * 0.9999**0.5, at_ends[3]]
    assert answer[1:] == pytest.approx(wanted)


def test_where_survival_is_read_is_common_to_the_folds_of_a_cohort():
    task = DiscreteTime().for_cohort([(float(t), 1.0) for t in range(5)])
    assert task.times == (1.0, 2.0, 3.0)
    assert DiscreteTime(times=(7.0,)).for_cohort(TRAINED).times == (7.0,)
    assert task.ends == ()


def test_bins_are_needed_before_an_answer():
    with pytest.raises(RecipeError, match=r"expected time bins of training slides, got none\. Train first"):
        DiscreteTime(times=(1.0,)).answer(torch.zeros(1, 4))


@pytest.mark.parametrize("task", [Cox(), DiscreteTime()])
def test_nothing_is_learned_without_an_event(task):
    with pytest.raises(CohortError, match="at least one slide with an event, got 2 slides that are all cens"):
        task.seen([(1.0, 0.0), (2.0, 0.0)])


LEARNED = [
    (make_task("classification"), ("a", "b")),
    (Ordinal(), ("0", "1", "2")),
    (MultiLabel(), ("er", "pr")),
    (Regression("x").seen([(1.0,), (3.0,)]), ("x",)),
    (Cox(), ()),
    (DiscreteTime(times=(3.0,)).seen(TRAINED), ()),
]


@pytest.mark.parametrize(("task", "classes"), LEARNED)
def test_settings_survive_json(task, classes):
    again = make_task(json.loads(json.dumps(task.settings())))
    assert again.settings() == task.settings()
    logits = torch.randn(3, task.num_outputs(classes))
    torch.testing.assert_close(again.answer(logits), task.answer(logits))


@pytest.mark.parametrize(("task", "classes"), LEARNED)
def test_answers_have_a_column_each(task, classes):
    assert task.check_classes(classes) == ""
    answer = task.answer(torch.randn(3, task.num_outputs(classes)))
    columns = task.answer_columns(classes)
    assert answer.shape == (3, len(columns))
    found = task.prediction("s", "p", values=answer[0])
    assert isinstance(found, Prediction if task.one_class else Estimate)
    assert not found.known
    if not task.one_class:
        truth = tuple(map(float, range(len(task.target_columns(classes)))))
        assert task.prediction("s", "p", values=answer[0], target=truth).target == truth
        assert found.known_as("q", truth) == task.prediction("s", "q", values=answer[0], target=truth)


def test_strata():
    assert MultiLabel("a,b").strata([(1.0, 1.0), (0.0, 1.0), (NAN, 0.0)], ("a", "b")) == ["a;b", "b", ""]
    assert Cox().strata([(1.0, 1.0), (2.0, 0.0)], ()) == ["event", "censored"]
    quarters = Regression().strata([(float(v),) for v in (1, 2, 3, 4, 5, 6, 7, 8)] + [(NAN,)], ("v",))
    assert quarters == [f"part {k}" for k in (0, 0, 1, 1, 2, 2, 3, 3)] + ["unknown"]


def test_wrong_options_are_named():
    with pytest.raises(RecipeError, match=r"task 'cox': expected options among .*got \['bins'\]"):
        make_task({"name": "cox", "bins": 3})
    with pytest.raises(RecipeError, match=r"at least 1 bin, and as many ends, got num_bins 4 and 2 ends"):
        DiscreteTime(ends=(1, 2))
    with pytest.raises(RecipeError, match=r"task 'discrete_time': expected valid options, got .*'soon'"):
        make_task({"name": "discrete_time", "times": ["soon"]})
