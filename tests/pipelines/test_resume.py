"""Killed at any moment, a run goes on and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from wsigraph.pipelines import one_fit
from wsigraph.pipelines.cross_validate import cross_validate

SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import Recipe
import json
manifest, features, out, recipe = sys.argv[1:]
cohort = Cohort.from_manifest(manifest, features=features)
cross_validate(
    Recipe.from_dict(json.loads(recipe)), cohort, folds=2, out=out, trainer=TrainerOptions(device="cpu")
)
"""


def results(run):
    names = ("predictions.csv", "metrics.json", "patients.csv", "log.csv")
    weights = ("fold_0/model.safetensors", "fold_1/model.safetensors")
    return {name: (run / name).read_bytes() for name in (*names, *weights)}


@pytest.fixture(scope="module")
def method(small):
    return small(optimiser__epochs=12)


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_killed_while_training_and_called_again(method, manifest, tmp_path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"

    def start(out):
        features = str(manifest.parent / "features")
        arguments = [str(manifest), features, str(out), method.model_dump_json()]
        return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments])

    # each in a process of its own that reads compiled loops from Numba's cache, which the first run fills:
    # what a process has compiled itself rounds differently in the last digit
    for out in (tmp_path / "compiles", straight):
        assert start(out).wait() == 0
    process = start(killed)
    last = killed / "fold_0" / "checkpoints" / "last.ckpt"
    limit = time.monotonic() + 120
    while not last.exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL  # it was still at work
    assert not (killed / "fold_0" / "predictions.csv").exists()
    assert not (killed / "metrics.json").exists()
    assert start(killed).wait() == 0
    assert results(killed) == results(straight)


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture
def trial(small, cohort, cpu):
    """The run that ``finished`` is, into another folder."""
    return lambda out: cross_validate(small(), cohort, folds=2, out=out, trainer=cpu)


def dies(*args, **kwargs):
    raise KilledError


@pytest.mark.parametrize("moment", ["write_log", "save_model"])
def test_killed_between_training_and_its_files(trial, finished, tmp_path, moment):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_fit, moment, dies)
        with pytest.raises(KilledError):
            trial(tmp_path)
    trial(tmp_path)
    assert results(tmp_path) == results(finished)


def test_killed_before_the_answers_of_a_fold_are_written(trial, finished, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsigraph.pipelines.cross_validate.write_predictions", dies)
        with pytest.raises(KilledError):
            trial(tmp_path)
    assert (tmp_path / "fold_0" / "model.safetensors").exists()
    trial(tmp_path)
    assert results(tmp_path) == results(finished)
