"""Label trees on the command line: columns per level, a file, a name, and what to give is said."""

from __future__ import annotations

import json

import pytest

from wsigraph.synthetic.hierarchy import synthetic_tree

SMALL = (
    "--set",
    "encoder.hidden_channels=8",
    "--set",
    "optimiser.epochs=2",
    "--set",
    "sampler.slides_per_step=8",
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, write_tree_cohort):
    """Forty-two synthetic slides; nobody may change them."""
    return write_tree_cohort(tmp_path_factory.mktemp("trees"), synthetic_tree(), slides=42, coarse_only=0.1)


@pytest.fixture
def train(wsigraph, manifest, tmp_path):
    def call(*more):
        common = (
            "--features",
            manifest.parent / "features",
            "--out",
            tmp_path / "run",
            "--folds",
            "2",
            "--device",
            "cpu",
        )
        return wsigraph("train", manifest, *common, *more)

    return call


def as_csv(tree):
    """A line ``fine,coarse`` for each finest class."""
    lines = [f"{name},{tree.names(0)[tree.line(-1, k)[0]]}" for k, name in enumerate(tree.names())]
    return "\n".join([",".join(reversed(tree.levels)), *lines]) + "\n"


@pytest.mark.parametrize("form", ["columns", "file"])
def test_a_tree_is_given_by_columns_or_by_a_file(wsigraph, train, tmp_path, form):
    tree, more = synthetic_tree(), ("--target-col", "group,subtype")
    if form == "file":
        (tmp_path / "tree.csv").write_text(as_csv(tree), encoding="utf-8")
        more = ("--tree", tmp_path / "tree.csv")
    done = train("--recipe", "hmil", *SMALL, *more)
    assert done.code == 0, done.err
    assert "hierarchical f1" in done.out
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert record["recipe"]["task"] == {"name": "hierarchy", "tree": tree.to_dict()}
    assert len(record["data"]["slides"]) == 42
    again = wsigraph("evaluate", tmp_path / "run", "--json")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert json.loads(again.out)["metrics"]["slide"]["severity"] == metrics["slide"]["severity"]
    shown = dict(line.split("  ", 1) for line in done.out.splitlines() if line.startswith("group: "))
    coarse = metrics["levels"]["slide"]["group"]
    assert set(shown) == {"group: auc", "group: accuracy", "group: f1"}
    for name in ("auc", "accuracy", "f1"):
        assert shown[f"group: {name}"].split()[0] == f"{coarse[name]['value']:.3f}"


def test_any_method_may_be_asked_over_a_tree_and_predict(wsigraph, train, manifest, tmp_path):
    done = train("--recipe", "abmil", "--target-col", "group,subtype", "--task", "hierarchy", *SMALL)
    assert done.code == 0, done.err
    files = sorted((manifest.parent / "features").glob("*.h5"))[:2]
    told = wsigraph("predict", tmp_path / "run", *files, "--out", tmp_path / "out.csv", "--json")
    values = json.loads(told.out)["values"]["synthetic_000"]
    assert values["group_prob_A"] == pytest.approx(sum(values[f"prob_A{k}"] for k in (1, 2, 3)), abs=1e-6)
    header = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("slide_id,patient_id,repeat,fold,split,label,pred,prob_A1")
    assert header.endswith("label_group,pred_group,group_prob_A,group_prob_B,group_prob_C")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--recipe", "hmil"), "expected a label tree, got none. Give --tree NAME or FILE.csv"),
        (("--recipe", "hmil", "--tree", "brca"), "--tree: expected a CSV file, or one of"),
        (("--recipe", "abmil", "--tree", "bracs", "--task", "ordinal"), "--tree: expected task 'hierarchy'"),
        (("--recipe", "abmil", "--tree", "bracs"), "expected a class of"),
        (("--recipe", "hmil", "--target-col", "group,kind"), "columns for levels"),
    ],
)
def test_what_to_give_is_said(train, more, sentence):
    done = train(*more)
    assert done.code != 0
    assert sentence in " ".join(done.err.split())
