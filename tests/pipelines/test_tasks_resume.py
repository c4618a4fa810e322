"""A run of another task, killed and called again, ends as if nothing had happened."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

import wsigraph as wg
from wsigraph.data.tasks.base import make_task
from wsigraph.errors import CohortError
from wsigraph.pipelines import one_fit
from wsigraph.pipelines.cross_validate import cross_validate

TASK = {"name": "discrete_time", "num_bins": 2}


class KilledError(Exception):
    """Stands for a kill."""


def dies(*args, **kwargs):
    raise KilledError


def results(run):
    names = ("predictions.csv", "metrics.json", "patients.csv", "log.csv")
    folds = [f"fold_{k}/{name}" for k in (0, 1) for name in ("model.safetensors", "recipe.json")]
    return {name: (run / name).read_bytes() for name in (*names, *folds)}


@pytest.fixture(scope="module")
def survivors(manifest, tmp_path_factory):
    """The slides of ``manifest`` with made-up times."""
    rng, file = np.random.default_rng(0), tmp_path_factory.mktemp("told") / "told.csv"
    with open(manifest, encoding="utf-8", newline="") as old:
        rows = list(csv.DictReader(old))
    times = {patient: rng.integers(1, 30) for patient in sorted({row["patient_id"] for row in rows})}
    with open(file, "w", encoding="utf-8", newline="") as new:
        writer = csv.writer(new)
        writer.writerow(["slide_id", "patient_id", "time", "event"])
        for row in rows:
            time = times[row["patient_id"]]
            writer.writerow([row["slide_id"], row["patient_id"], time, int(time % 5 > 0)])
    return wg.Cohort.from_manifest(file, features=manifest.parent / "features", task=TASK)


@pytest.mark.parametrize("moment", ["wsigraph.training.module.mix", "wsigraph.pipelines.one_fit.save_model"])
def test_killed_while_training_or_before_the_model_is_written(survivors, cpu, tmp_path, moment):
    method = wg.recipe("abmil", in_channels=8, task=TASK).with_settings(
        {"encoder.hidden_channels": 8, "optimiser.epochs": 3, "sampler.slides_per_step": 4}
    )

    def run(out):
        return cross_validate(method, survivors, folds=2, out=out, trainer=cpu)

    run(tmp_path / "straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment, dies if "save" in moment else _after(5))
        with pytest.raises(KilledError):
            run(tmp_path / "killed")
    assert not (tmp_path / "killed" / "fold_0" / one_fit.WEIGHTS).exists()
    run(tmp_path / "killed")
    assert results(tmp_path / "killed") == results(tmp_path / "straight")


def _after(calls):
    """``mix`` that dies at its last call of so many: in the third epoch or so."""
    from wsigraph.training.seeds import mix

    left = [calls]

    def counted(*parts):
        left[0] -= 1
        return mix(*parts) if left[0] else dies()

    return counted


@pytest.mark.parametrize("name", ["cox", "discrete_time"])
def test_fit_trains_one_model_and_answers_its_validation_slides(survivors, cpu, tmp_path, name):
    cohort = replace(survivors, task=make_task({"name": name} | ({} if name == "cox" else {"num_bins": 2})))
    method = wg.recipe("abmil", in_channels=8, task=cohort.task).with_settings(
        {"encoder.hidden_channels": 8, "optimiser.epochs": 1}
    )
    result = wg.fit(method, train=cohort, out=tmp_path, trainer=cpu)
    assert result.metrics == {}
    with open(tmp_path / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"val"}
    assert {row["event"] for row in rows} == {"0", "1"}  # both strata stand among them
    truth = {slide.slide_id: slide.target for slide in survivors.slides}
    assert all((float(row["time"]), float(row["event"])) == truth[row["slide_id"]] for row in rows)


def test_what_cannot_be_learned_is_refused_before_anything_is_written(survivors, cpu, tmp_path):
    many = make_task({"name": "discrete_time", "num_bins": 9})
    method = wg.recipe("abmil", in_channels=8, task=many)
    with pytest.raises(CohortError, match="at least 9 different event times above 0 for 9 bins, got"):
        cross_validate(method, replace(survivors, task=many), folds=2, out=tmp_path / "run", trainer=cpu)
    assert not (tmp_path / "run").exists()
