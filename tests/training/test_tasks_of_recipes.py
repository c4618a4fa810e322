"""Any recipe asked another question: what changes, what stays, what is refused when it is built."""

from __future__ import annotations

import json

import pytest
import torch

from wsigraph.data.tasks.cox import Cox
from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.objectives.terms import cox as cox_term
from wsigraph.training.recipe import Recipe, recipe

ASKED = [
    ("cox", ()),
    ("discrete_time", ()),
    ("ordinal", ("0", "1", "2")),
    ("multilabel", ("er",)),
    ("multilabel", ("er", "pr")),
    ("regression", ("age", "ki67")),
]
OUTPUTS = {"cox": 1, "discrete_time": 4}


@pytest.mark.parametrize("name", ["srmil", "srmil_code", "abmil"])
@pytest.mark.parametrize(("task", "classes"), ASKED)
def test_a_recipe_is_asked_another_question(name, task, classes):
    plain = recipe(name, in_channels=6, classes=["a", "b"])
    asked = plain.for_task(task, classes=classes)
    assert asked == recipe(name, in_channels=6, classes=classes, task=task)
    model, objectives = asked.build()
    learned = asked.make_task().term
    for key, term in plain.terms.items():
        mine = asked.terms[key]
        assert mine.name == (learned if term.name == "cross_entropy" else term.name)
        assert (mine.weight, mine.weight_end) == (term.weight, term.weight_end)
        assert mine.options == term.options
        assert objectives.terms[key].name == mine.name
    head = next(iter(model.heads.values()))
    last = [m for m in head.modules() if isinstance(m, torch.nn.Linear)][-1]
    assert head.ordered == (task == "ordinal")
    assert last.out_features == (1 if task == "ordinal" else OUTPUTS.get(task, len(classes)))
    same = {"in_channels", "graph", "encoder", "views", "optimiser", "predict_view", "standardise"}
    assert {key: plain.to_dict()[key] for key in same} == {key: asked.to_dict()[key] for key in same}


def test_the_way_through_json_and_back_to_classes():
    plain = recipe("srmil", in_channels=6, classes=["a", "b"])
    for task, classes in ASKED:
        asked = plain.for_task(task, classes=classes)
        assert Recipe.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked
        back = asked.for_task("classification", classes=["a", "b"])
        assert back.heads == plain.heads
        assert back.terms == plain.terms


def test_one_line_is_enough():
    plain = recipe("srmil", in_channels=6, classes=["a", "b"])
    assert plain.for_task("cox").classes == ()
    assert plain.for_task("multilabel").classes == ("a", "b")
    with pytest.raises(RecipeError, match="regression needs the names of its values"):
        plain.for_task("regression")


def test_a_classifier_is_written_as_before_there_were_tasks():
    plain = recipe("srmil", in_channels=6, classes=["a", "b"])
    assert "task" not in plain.to_dict()
    assert Recipe.from_dict(plain.to_dict()).task.name == "classification"


def test_columns_of_a_manifest_are_no_part_of_a_recipe():
    asked = recipe("abmil", in_channels=6, task=Cox(time_col="months", event_col="died"))
    assert asked.to_dict()["task"] == {"name": "cox"}


def test_cox_compares_slides_of_a_step():
    asked = recipe("srmil", in_channels=6, task="cox")
    assert asked.sampler.slides_per_step == 16
    assert asked.with_settings({"sampler.slides_per_step": 2}).sampler.slides_per_step == 2
    with pytest.raises(
        RecipeError, match=r"task 'cox': expected at least 2 slides per step, .*got sampler.slides_per_step 1"
    ):
        asked.with_settings({"sampler.slides_per_step": 1})
    many = recipe("srmil", in_channels=6, classes=["a", "b"]).with_settings({"sampler.slides_per_step": 5})
    assert many.for_task("cox", classes=()).sampler.slides_per_step == 5


def test_ties_are_an_option_of_the_term():
    asked = recipe("abmil", in_channels=6, task="cox").with_settings({"terms.ce.ties": "breslow"})
    term = asked.build()[1].terms["ce"]
    assert isinstance(term, cox_term.Cox)
    assert term.ties == "breslow"


def test_the_checkpoint_rule_of_classes_becomes_the_validation_loss():
    assert recipe("srmil_code", in_channels=6, task="cox").checkpoint.monitor == "val_loss"
    kept = recipe("srmil_code", in_channels=6, task="ordinal", classes=["0", "1"]).checkpoint
    assert (kept.monitor, kept.from_epoch) == ("val_accuracy_auc", 60)


def abmil(task, classes=(), **changes):
    return recipe("abmil", in_channels=6, task=task, classes=classes).with_settings(changes)


@pytest.mark.parametrize(
    ("task", "classes", "changes", "sentence"),
    [
        ("ordinal", ["0"], {}, r"ordinal heads need at least 2 classes, got \['0'\]"),
        ("multilabel", [], {}, "multi-label heads need at least 1 label, got none"),
        ("regression", [], {}, "regression needs the names of its values as classes, got none"),
        ("cox", ["a", "b"], {}, r"survival has no classes, got \['a', 'b'\]"),
        (
            "cox",
            [],
            {"checkpoint.monitor": "val_auc"},
            r"a checkpoint rule of \['val_loss', 'last'\], got 'val_a",
        ),
        ("cox", [], {"checkpoint.monitor": "val_total"}, r"a checkpoint rule of .*got 'val_total'"),
        ("cox", [], {"sampler.name": "balanced"}, "a sampler that reads no classes, got 'balanced'"),
        (
            "ordinal",
            ["0", "1"],
            {"heads.bag.name": "bag"},
            r"expected head 'bag' to have ordered thresholds, got one that has none. .*'ordinal_supernode'\]",
        ),
        (
            "regression",
            ["age"],
            {"heads.bag.name": "ordinal"},
            "expected at least 2 classes, got 1|to give scores, got log probabilities",
        ),
        ("multilabel", ["a", "b"], {"heads.bag.name": "ordinal"}, "to give scores, got log probabilities"),
        (
            "cox",
            [],
            {"terms.ce.name": "cross_entropy"},
            r"that can read its targets, got term 'ce' \(cross_entropy\), .*Ask recipe.for_task\('cox'\)",
        ),
        (
            "regression",
            ["age"],
            {"terms.ce.name": "cox"},
            r"terms that can read its targets, got term 'ce' \(cox\)",
        ),
        ("discrete_time", [], {"task.num_bins": 0}, "at least 1 bin, and as many ends, got num_bins 0 and 0"),
        ("discrete_time", [], {"task.times": [3, 1]}, r"times above 0 that rise, got \[3.0, 1.0\]"),
        ("discrete_time", [], {"task.bins": 3}, r"task 'discrete_time': expected options among .*\['bins'\]"),
    ],
)
def test_what_cannot_be_asked(task, classes, changes, sentence):
    with pytest.raises(RecipeError, match=sentence):
        abmil(task, classes, **changes)


def test_unknown_tasks_list_those_there_are():
    with pytest.raises(UnknownPartError, match=r"Registry 'task': expected one of .*'cox'.*, got 'coxx'"):
        recipe("abmil", in_channels=6, task="coxx")


def test_pretraining_is_asked_nothing():
    with pytest.raises(RecipeError, match="expected a head that can be asked, got none: label-free pre"):
        recipe("srmil_pretrain", in_channels=6, task="cox")


def test_weights_of_classes_are_not_dropped_in_silence():
    weighed = recipe("abmil", in_channels=6, classes=["a", "b"]).with_settings(
        {"terms.ce.class_weights": "balanced"}
    )
    with pytest.raises(
        RecipeError, match=r"Term 'ce': .*'cox' takes as 'cross_entropy' does, got \['class_w"
    ):
        weighed.for_task("cox", classes=())
    assert weighed.for_task("ordinal", classes=["0", "1"]).terms == weighed.terms


def test_terms_that_read_classes_are_refused_with_rows():
    with pytest.raises(RecipeError, match=r"got term 'balanced' \(logit_adjusted\).*Leave the term out"):
        abmil("cox", **{"terms.balanced": {"name": "logit_adjusted"}})
