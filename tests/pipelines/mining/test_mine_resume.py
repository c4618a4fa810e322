"""Killed in any stage, the loop goes on and ends as if nothing had happened; a changed file is noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsigraph.errors import RunError
from wsigraph.io.atomic import write_text
from wsigraph.pipelines import mine_contrast, mine_fold
from wsigraph.pipelines.mine_stages import Stages, hash_of
from wsigraph.pipelines.reporter import Silent

STAGES = {
    *("round 0: classify", "round 0: judge", "round 1: mine", "round 1: contrast", "round 1: encode"),
    *("round 1: classify", "round 1: judge", "round 1: encode test"),
}
TASKS = {
    *("Reading features, building graphs", "Round 0: training hnm", "Reading mined patches"),
    *("Round 1: contrast", "Round 1: encoding", "Round 1: training hnm"),
}
MOMENTS = {
    mine_contrast: ("write_rows", "write_tensors", "write_log", "drop_file"),
    mine_fold: ("write_scores", "write_json", "write_log", "copy_fold", "write_predictions"),
}


class KilledError(Exception):
    """Stands for a kill."""


class Fate(Silent):
    """Kills the loop the first time anything new happens: in the middle of a task, before a file is written,
    between the work of a stage and its record."""

    def __init__(self):
        self.met, self.done = set(), {}

    def meet(self, *what):
        if what not in self.met:
            self.met.add(what)
            raise KilledError

    def start(self, task, total):
        self.done[task] = 0

    def advance(self, task, steps=1):
        self.done[task] += 1
        if self.done[task] <= 2:
            self.meet(task, self.done[task])

    def over(self, patch):
        """Watch files and stages too."""
        for module, names in MOMENTS.items():
            for name in names:
                patch.setattr(module, name, self.before(getattr(module, name), name))
        plain, fate = Stages.run, self

        def run(stages, name, work):
            def dies():
                made = list(work())
                fate.meet(name)
                return made

            return plain(stages, name, dies)

        patch.setattr(Stages, "run", run)

    def before(self, plain, name):
        def dies(*args, **kwargs):
            self.meet(name, *(part.name for part in args[:1] if isinstance(part, Path)))
            return plain(*args, **kwargs)

        return dies


def results(run):
    """Hash of every file but the record, which holds the time."""
    files = (
        path for path in run.rglob("*") if path.is_file() and path.name not in ("run.json", "report.html")
    )
    return {path.relative_to(run).as_posix(): hash_of(path) for path in files}


def live_until_done(run, fate):
    """Call a loop again and again; how often it was killed."""
    with pytest.MonkeyPatch.context() as patch:
        fate.over(patch)
        for lives in range(100):
            try:
                run()
            except KilledError:
                continue
            return lives
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("reads", ["features", "pixels"])
def test_killed_wherever_it_can_be_it_ends_as_if_nothing_had_happened(
    request, made, run_loop, tmp_path, reads
):
    fate = Fate()
    parts = {"accept": True, "reporter": fate}
    if reads == "pixels":
        straight = request.getfixturevalue("on_pixels")[0]
        parts["images"] = request.getfixturevalue("images")
        parts["settings"] = request.getfixturevalue("pixel_settings")
    else:
        straight = request.getfixturevalue("finished")
    lives = live_until_done(lambda: run_loop(made.cohort, tmp_path, **parts), fate)
    assert lives == len(fate.met)
    assert {what[0] for what in fate.met} == {
        *STAGES,
        *TASKS,
        *(n for names in MOMENTS.values() for n in names),
    }
    assert results(tmp_path) == results(straight)


SCRIPT = """
import sys, warnings
warnings.simplefilter("ignore")
import json
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.mine import mine
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import MineSettings
from wsigraph.training.recipe import Recipe
manifest, features, out, recipe, settings = sys.argv[1:]
cohort = Cohort.from_manifest(manifest, features=features, classes=["normal", "tumour"])
mine(
    Recipe.from_dict(json.loads(recipe)), cohort, out=out, settings=MineSettings.of(json.loads(settings)),
    trainer=TrainerOptions(device="cpu")
)
"""


@pytest.fixture
def plans(small, settings):
    """Recipe and settings as JSON."""
    return small().model_dump_json(), settings().model_dump_json()


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_killed_by_the_system_and_called_again(made, run_loop, plans, finished, tmp_path):
    features = str(made.manifest.parent / "features")
    arguments = [str(made.manifest), features, str(tmp_path), *plans]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments])
    seen, limit = tmp_path / "fold_0" / "round_1", time.monotonic() + 300
    while not seen.exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL  # it was still at work
    run_loop(made.cohort, tmp_path, accept=True)
    assert results(tmp_path) == results(finished)


def test_a_finished_run_called_again_does_nothing(made, run_loop, finished, monkeypatch):
    before = results(finished)
    monkeypatch.setattr("wsigraph.pipelines.mine_fold.Stages", None)
    run_loop(made.cohort, finished)
    assert results(finished) == before


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_changed_file_of_a_finished_stage_is_noticed(made, run_loop, tmp_path, change):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsigraph.pipelines.mine_fold.encode_round", _dies)
        with pytest.raises(KilledError):
            run_loop(made.cohort, tmp_path)
    file = tmp_path / "fold_0" / "round_1" / "mining.json"
    file.unlink() if change == "gone" else write_text(file, "{}")
    what = "no file" if change == "gone" else "[0-9a-f]{12}"
    with pytest.raises(
        RunError, match=rf"Stage 'round 1: mine' of .*round_1/mining.json as it was.*got {what}"
    ):
        run_loop(made.cohort, tmp_path)


def _dies(*args, **kwargs):
    raise KilledError
