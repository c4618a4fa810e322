"""The array script: what it submits, and that no word of a user becomes shell."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from wsigraph.cli.train import train
from wsigraph.errors import RecipeError
from wsigraph.pipelines.slurm import ArrayJob, array_script

pytestmark = pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="needs bash")

NASTY = 'it\'s; $(touch hacked) `touch hacked` "x" *'

SBATCH = """#!/bin/bash
{ printf 'sbatch'; printf '\\t%s' "$@"; echo; } >> "$LOG"
script=$(cat)
case "$*" in
  *--array=0-1*)
    for i in 0 1; do SLURM_ARRAY_TASK_ID=$i bash -c "$script" || exit 1; done
    echo '71;cluster' ;;
  *) bash -c "$script" || exit 1; echo 72 ;;
esac
"""
PROGRAM = """#!/bin/bash
{ printf 'ran'; printf '\\t%s' "$@"; echo; } >> "$LOG"
exit "${LEAVES:-0}"
"""


@pytest.fixture
def cluster(tmp_path):
    """A folder with an ``sbatch`` that runs jobs at once, and a program that writes down its words."""
    for name, text in (("sbatch", SBATCH), ("program", PROGRAM)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRWXU)

    def submit(job, **extra):
        script = tmp_path / "submit.sh"
        script.write_text(array_script(job))
        env = {
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "LOG": str(tmp_path / "log"),
            **extra,
        }
        done = subprocess.run(["bash", script], env=env, capture_output=True, text=True, check=False)
        log = tmp_path / "log"
        return done, [line.split("\t") for line in log.read_text().splitlines()] if log.is_file() else []

    return submit


def job(tmp_path, **changes):
    usual = {
        "words": ["labels.csv", "--features", NASTY, "--folds", "2"],
        "out": Path("runs") / "a 100% b",
        "folds": 2,
        "program": [str(tmp_path / "program")],
        "folder": tmp_path,
        "sbatch": {"time": "4:00:00", "gres": "gpu:1"},
    }
    return ArrayJob(**{**usual, **changes})


def test_folds_are_submitted_as_an_array_and_merged_after_all_of_them(cluster, tmp_path):
    done, log = cluster(job(tmp_path, sbatch_merge={"time": "10"}))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "folds: job 71, merge: job 72\n"
    folds, *ran, merge, joined = log
    parts = "runs/a 100% b_folds"
    assert folds[1:3] == ["--parsable", "--array=0-1"]
    assert "--output=runs/a 100%% b_folds/fold_%a.log" in folds
    assert folds[-2:] == ["--time=4:00:00", "--gres=gpu:1"]
    for fold, words in enumerate(ran):
        train_words = ["train", "labels.csv", "--features", NASTY, "--folds", "2"]
        assert words[1:] == [*train_words, "--fold", str(fold), "--out", f"{parts}/fold_{fold}"]
    assert "--dependency=afterok:71" in merge
    assert "--time=10" in merge
    assert not any(word.startswith("--gres") for word in merge)
    assert joined[1:] == ["merge", f"{parts}/fold_0", f"{parts}/fold_1", "--out", "runs/a 100% b"]
    assert not (tmp_path / "hacked").exists()


def test_slides_that_were_left_out_do_not_stop_the_merge_and_failures_do(cluster, tmp_path):
    assert cluster(job(tmp_path), LEAVES="1")[0].returncode == 0
    done, log = cluster(job(tmp_path), LEAVES="3")
    assert done.returncode != 0
    assert log[-1][0] == "ran"  # the first fold; nothing was submitted after it


def test_a_word_of_two_lines_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"expected words of one line each, got 'a\\nEND_OF_FOLD'"):
        array_script(job(tmp_path, words=["a\nEND_OF_FOLD"]))


def test_the_verb_writes_what_bash_reads_and_train_understands(wsigraph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask = ["slurm", "--script", "s.sh", "--sbatch", "time=1", "--setup", "module load cuda", "train"]
    words = ["labels.csv", "--features", NASTY, "--folds", "3", "--out=runs/a", "--set", "optimiser.lr=1e-3"]
    left = wsigraph(*ask, *words)
    assert left.code == 0, left.err
    assert left.out == "3 folds and a merge: s.sh. Submit: bash s.sh\n"
    text = (tmp_path / "s.sh").read_text()
    assert subprocess.run(["bash", "-n", "s.sh"], check=False).returncode == 0
    line = text[text.index(f"{sys.executable} -m") :].split(" || ")[0].replace("$SLURM_ARRAY_TASK_ID", "2")
    shown = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    )
    app = typer.Typer()
    app.command()(train)
    given = shown.stdout.splitlines()
    asked = typer.main.get_command(app).make_context("train", given[given.index("train") + 1 :]).params
    assert (asked["fold"], asked["folds"], asked["out"]) == (2, 3, Path("runs/a_folds/fold_2"))
    assert asked["features"] == Path(NASTY)
    assert text.count("module load cuda") == 2


def test_a_file_of_splits_says_how_many_folds_there_are(wsigraph, tmp_path):
    for fold in range(3):
        sides = f"train,val,test\nA{fold},B{fold},C{fold}\n"
        (tmp_path / "splits").mkdir(exist_ok=True)
        (tmp_path / "splits" / f"splits_{fold}.csv").write_text(sides)
    words = ["train", "labels.csv", "--features", "f", "--out", "o", "--splits", tmp_path / "splits"]
    left = wsigraph("slurm", "--script", tmp_path / "s.sh", *words)
    assert left.code == 0, left.err
    assert "--array=0-2 " in (tmp_path / "s.sh").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["predict", "x"], "Expected 'train'"),
        (["train", "labels.csv", "--features", "f", "--out", "o", "--fold", "1"], "Leave --fold out"),
        (["train", "labels.csv", "--features", "f", "--out", "o", "--colour", "red"], "No such option"),
        (
            ["train", "labels.csv", "--features", "f", "--out", "o", "--recipe", "srmil_pretrain"],
            "one job",
        ),
    ],
)
def test_what_the_verb_refuses(wsigraph, tmp_path, words, sentence):
    left = wsigraph("slurm", "--script", tmp_path / "s.sh", *words)
    assert left.code == 2
    assert sentence in left.err
    assert not (tmp_path / "s.sh").exists()
