"""Exit codes, where errors go, and what an error looks like."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from wsigraph.cli.app import build
from wsigraph.cli.exit import DONE, NOTHING, SOME, WRONG

VERBS = sorted(typer.main.get_command(build()).commands)


def test_help_lists_every_verb(wsigraph):
    left = wsigraph("--help")
    assert left.code == DONE
    assert len(VERBS) > 20
    assert all(re.search(rf"\b{verb}\b", left.out) for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(wsigraph, verb):
    left = wsigraph(verb, "--help")
    assert left.code == DONE
    assert ("--json" in left.out) == (verb != "slurm")  # which writes a script, and has nothing to tell


def test_version(wsigraph):
    assert wsigraph("--version").out == f"wsigraph {version('wsigraph')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command"),
        (["train"], "Missing"),
        (["cite", "srmill"], r"expected one of .*'srmil'.*got 'srmill'"),
        (["evaluate", "run", "--manifest", "labels.csv"], "belong together"),
        (["evaluate", "run", "--out", "external"], "are of an external cohort"),
        (["demo", "--slides", "3"], "at least 12, got '3'"),
    ],
)
def test_wrong_use_is_2_and_says_why_on_stderr(wsigraph, arguments, message):
    left = wsigraph(*arguments)
    assert left.code == WRONG
    assert re.search(message, left.err)
    assert left.out == ""


def test_one_bad_file_among_good_ones_is_1_and_named(wsigraph, feature_folder):
    (feature_folder / "features" / "broken.h5").write_bytes(b"not hdf5 at all")
    left = wsigraph("card", feature_folder / "features")
    assert left.code == SOME
    assert re.search(r"failed: .*broken\.h5: .*expected", left.err)
    assert "synthetic_011" in left.out


def test_only_bad_files_is_3(wsigraph, tmp_path):
    (tmp_path / "broken.h5").write_bytes(b"not hdf5 at all")
    assert wsigraph("card", tmp_path / "broken.h5").code == NOTHING


def test_a_folder_of_several_sets_is_2_and_names_one(wsigraph, feature_folder):
    for name in ("features_uni", "features_conch"):
        shutil.copytree(feature_folder / "features", feature_folder / "job" / name)
    left = wsigraph("card", feature_folder / "job")
    assert left.code == WRONG
    assert "expected one set of features, got 2: features_conch, features_uni. Name one of them" in left.err


def test_an_error_of_ours_is_one_red_line_without_a_traceback(wsigraph, tmp_path):
    left = wsigraph("card", tmp_path / "nowhere")
    assert left.code == NOTHING
    assert left.err.startswith("error: Path ")
    assert "Traceback" not in left.err


def test_json_is_one_object_on_stdout_and_progress_stays_on_stderr(wsigraph, feature_folder):
    left = wsigraph("card", feature_folder / "features", "--k", 4, "--json")
    found = json.loads(left.out)
    assert found["graph"] == {"name": "knn", "k": "4"}
    assert len(found["cards"]) == 12
    assert found["failed"] == {}


def test_the_installed_command_works_as_a_process():
    done = subprocess.run(
        [sys.executable, "-m", "wsigraph", "cite", "abmil"], capture_output=True, text=True, check=False
    )
    assert done.returncode == DONE
    assert done.stdout.startswith("@inproceedings{ilse2018attention")
    assert done.stderr == ""
