"""A grid is filled once: killed calls go on, shards share it, a failing cell stops nobody else."""

from __future__ import annotations

import errno
import json
import math

import pytest

from wsigraph.evaluation.family import compare_family
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.benchmark import Shard, cell_fit, read_results, run_benchmark
from wsigraph.pipelines.benchmark.run import LABEL, read_failures
from wsigraph.pipelines.benchmark.summary import summarise
from wsigraph.pipelines.reporter import Silent


class Listener(Silent):
    """Counts the cells that were to be trained, and were."""

    def __init__(self):
        self.total, self.done = {}, {}

    def start(self, task, total):
        self.total[task] = total

    def advance(self, task, steps=1):
        self.done[task] = self.done.get(task, 0) + steps


MEASURED = ("seconds", "cpu_seconds", "peak_memory")


def results(out):
    """Everything in the result files but how long it took."""
    found = {}
    for file in sorted((out / "cells").glob("*.json")):
        cell = json.loads(file.read_text(encoding="utf-8"))
        found[file.name] = {key: value for key, value in cell.items() if key not in MEASURED}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Where one uninterrupted call put its results; filled by the first test that asks."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def straight(whole, plan, cpu):
    return run_benchmark(plan(), out=whole, trainer=cpu)


def test_every_cell_is_there_and_every_slide_answered_out_of_fold(straight, cohort):
    assert (len(straight.cells), straight.done, straight.failed) == (6, 6, {})
    cells = [json.loads(f.read_text()) for f in sorted((straight.path / "cells").glob("*.json"))]
    assert sorted((c["recipe"], c["control"], c["fold"]) for c in cells) == [
        (recipe, control, fold)
        for recipe, control in (("abmil", "none"), ("gcn", "edgeless"), ("gcn", "none"))
        for fold in (0, 1)
    ]
    patient = {slide.slide_id: slide.patient_id for slide in cohort.slides}
    truth = dict(zip(patient, cohort.targets, strict=True))
    by_fold = {}
    for cell in cells:
        tested = {row["slide_id"] for row in cell["rows"]}
        assert by_fold.setdefault(cell["fold"], tested) == tested  # the same folds for every method
        for row in cell["rows"]:
            assert (row["patient_id"], row["label"]) == (patient[row["slide_id"]], truth[row["slide_id"]])
        assert cell["num_train"] + cell["num_val"] + len(tested) == 14
        assert cell["parameters"] > 0
        assert (cell["epochs"], cell["synthetic"]) == (1, False)
        assert cell["kind"] == ("set" if cell["recipe"] == "abmil" else "graph")  # a control too
        assert 0.1 < cell["val_loss"] < 3.0  # cross-entropy of a network hardly trained, near log 2
        assert cell["peak_memory"] is None or 0 <= cell["peak_memory"] < 2e9
        joins = cell["recipe"] == "gcn" and cell["control"] == "none"
        assert (cell["settings"]["graph"]["name"] != "edgeless") == joins
    said = {(c["recipe"], c["control"], c["fold"]): [r["probabilities"] for r in c["rows"]] for c in cells}
    assert said["gcn", "none", 0] != said["gcn", "edgeless", 0]
    assert not by_fold[0] & by_fold[1]
    assert by_fold[0] | by_fold[1] == set(patient)
    assert {patient[s] for s in by_fold[0]} & {patient[s] for s in by_fold[1]} == set()
    assert not list((straight.path / "training").iterdir())


def test_answers_can_be_compared(straight):
    read = read_results(straight.path, names=straight.cells)
    assert read.finished("toy") == {"abmil": (0,), "gcn": (0,), "gcn+edgeless": (0,)}
    answers = read.answers("toy")
    pairs = [("gcn", "abmil"), ("gcn", "gcn+edgeless")]
    found = compare_family(answers, pairs, resamples=50)
    assert [(one.a, one.b, one.found.patients) for one in found] == [(*pair, 12) for pair in pairs]


def test_what_it_costs_is_said_before_anything_is_kept(plan, cpu, tmp_path, listener):
    asked = run_benchmark(plan(), out=tmp_path, most=0, trainer=cpu, reporter=listener)
    assert (asked.done, asked.failed, list(tmp_path.rglob("*.json"))) == (0, {}, [])
    (cost,) = [line for line in listener.lines if line.startswith("They will take at most about ")]
    assert cost.endswith(" s, less where training stops early.")


def test_a_call_that_stopped_goes_on_and_gives_the_same(straight, plan, cpu, tmp_path, monkeypatch):
    """Stopped once between two cells, once in the middle of one."""
    first = run_benchmark(plan(), out=tmp_path, most=1, trainer=cpu)
    assert (first.done, len(list((tmp_path / "cells").iterdir()))) == (1, 1)
    (kept,) = (tmp_path / "cells").iterdir()
    before = kept.stat().st_mtime_ns
    plain = cell_fit.answer_all

    def killed(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(cell_fit, "answer_all", killed)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(plan(), out=tmp_path, trainer=cpu)
    assert len(list((tmp_path / "cells").iterdir())) == 1
    monkeypatch.setattr(cell_fit, "answer_all", plain)
    listener = Listener()
    again = run_benchmark(plan(), out=tmp_path, trainer=cpu, reporter=listener)
    assert again.done == 6
    assert listener.total[LABEL] == listener.done[LABEL] == 5
    assert kept.stat().st_mtime_ns == before
    assert results(tmp_path) == results(straight.path)
    unknown = [json.loads(f.read_text())["seconds"] is None for f in (tmp_path / "cells").iterdir()]
    assert sum(unknown) == 1  # of the cell that was killed nobody knows how long it took


def test_shards_share_the_grid(straight, plan, cpu, tmp_path):
    for index in (2, 1):
        one = run_benchmark(plan(), out=tmp_path, shard=Shard(index, 2), trainer=cpu)
        assert one.done == (3 if index == 2 else 6)
    assert results(tmp_path) == results(straight.path)


def test_a_failing_cell_is_named_and_the_rest_goes_on(plan, cpu, tmp_path, listener, monkeypatch):
    plain = cell_fit.fit_one

    def fails(task, **sides):
        if task.recipe.name == "gcn" and task.recipe.graph.name != "edgeless":
            raise RuntimeError("out of memory")
        return plain(task, **sides)

    monkeypatch.setattr(cell_fit, "fit_one", fails)
    found = run_benchmark(plan(), out=tmp_path, trainer=cpu, reporter=listener)
    assert (found.done, len(found.failed)) == (4, 2)
    assert all(name.startswith("toy-gcn-seed0-fold") for name in found.failed)
    assert set(found.failed.values()) == {"RuntimeError: out of memory"}
    assert read_failures(tmp_path) == found.failed
    assert sum("failed: RuntimeError: out of memory" in line for line in listener.lines) == 2
    assert set(read_results(tmp_path).answers("toy")) == {"abmil", "gcn+edgeless"}
    monkeypatch.undo()
    assert run_benchmark(plan(), out=tmp_path, trainer=cpu).done == 6
    assert read_failures(tmp_path) == {}


def test_a_full_disk_ends_the_call(plan, cpu, tmp_path, monkeypatch):
    def full(task, **sides):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cell_fit, "fit_one", full)
    with pytest.raises(OSError, match="No space left on device"):
        run_benchmark(plan(), out=tmp_path, trainer=cpu)


def test_cost_and_reach_are_told_before_anything_trains(plan, cpu, tmp_path, listener, monkeypatch):
    heard = []

    def listens(task, **sides):
        heard.append(list(listener.lines))
        raise RuntimeError("enough")

    monkeypatch.setattr(cell_fit, "fit_one", listens)
    run_benchmark(plan(), out=tmp_path, shard=Shard(1, 2), trainer=cpu, reporter=listener)
    first = heard[0]
    assert "6 cells, 3 of them for job 1/2; 3 to train." in first
    told = next(line for line in first if line.startswith("toy: the smallest difference"))
    assert "(6 against 6 patients; assumed:" in told


@pytest.fixture
def larger(contest, write_cohort, small, tmp_path):
    """``gcn`` alone on 36 synthetic slides."""
    manifest = write_cohort(tmp_path / "cohort", slides=36)
    slides = Cohort.from_manifest(manifest, features=manifest.parent / "features")
    return contest(slides, recipes={"gcn": small("gcn", optimiser__epochs=1)})


def test_a_share_trains_on_fewer_and_tests_on_all(plan, larger, cpu, tmp_path):
    found = run_benchmark(plan(contests=(larger,), shares=(0.3, 1.0), controls={}), out=tmp_path, trainer=cpu)
    assert (found.done, len(found.cells)) == (4, 4)
    cells = [json.loads(f.read_text()) for f in sorted((tmp_path / "cells").glob("*.json"))]
    sides = {(c["share"], c["fold"]): (c["num_train"], c["num_val"], len(c["rows"])) for c in cells}
    for fold in (0, 1):
        some, every = sides[0.3, fold], sides[1.0, fold]
        assert 0 < some[0] < every[0]
        assert some[1:] == every[1:]
    assert set(read_results(tmp_path).curve("toy", "gcn")) == {0.3, 1.0}
    # the whole training is the same cell with and without shares
    assert {*run_benchmark(plan(contests=(larger,), controls={}), out=tmp_path, most=0).cells} < {
        *found.cells
    }


def test_time_left_is_told_after_the_first_cell(plan, cpu, tmp_path, listener):
    run_benchmark(plan(), out=tmp_path, most=1, trainer=cpu, reporter=listener)
    (line,) = [line for line in listener.lines if line.startswith("cell 1 of 6 done")]
    assert ", about " in line
    assert line.endswith(" left")


def test_what_was_trained_can_be_summarised(straight):
    (found,) = summarise(straight.path, names=straight.cells, resamples=50).cohorts
    assert (found.name, found.synthetic, found.slides, found.patients) == ("toy", False, 14, 12)
    kinds = {one.name: one.kind for one in found.methods}
    assert kinds == {"abmil": "set", "gcn": "graph", "gcn+edgeless": "graph"}
    assert all(math.isfinite(one.val_loss) for one in found.methods)
    assert set(straight.cells) == {cell for one in found.methods for cell in one.cells}
    assert found.verdict.answer in ("cannot tell", "no", "worse")  # nothing is "yes" without shuffling
