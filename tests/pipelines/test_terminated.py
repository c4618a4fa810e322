"""A process that is told to end while it trains does not claim to be done, and goes on when called again."""

from __future__ import annotations

import os
import signal

import pytest

from wsigraph.cli.app import run
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.fit_loop import TERMINATED

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGTERM")


class Ends(Silent):
    """Tells the process to end after the first epoch."""

    def advance(self, task, steps=1):
        if task.startswith("Training"):
            os.kill(os.getpid(), signal.SIGTERM)


def test_it_leaves_with_a_code_of_its_own_and_goes_on(small, cohort, cpu, finished, tmp_path):
    parts = {"folds": 2, "fold": 0, "out": tmp_path, "trainer": cpu}
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left:
        cross_validate(small(), cohort, **parts, reporter=Ends())
    assert left.value.code == TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) == before
    assert not (tmp_path / "fold_0" / "model.safetensors").exists()
    cross_validate(small(), cohort, **parts)
    for name in ("model.safetensors", "predictions.csv", "log.csv"):
        assert (tmp_path / "fold_0" / name).read_bytes() == (finished / "fold_0" / name).read_bytes()


def test_the_command_line_passes_the_code_on(monkeypatch):
    def ends():
        def command(**_):
            raise SystemExit(TERMINATED)

        return command

    monkeypatch.setattr("wsigraph.cli.app.build", ends)
    assert run(["train"]) == TERMINATED
