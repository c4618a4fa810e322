"""Every command and snippet of the README runs, long ones in a reduced form that stands here."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.slow

QUICK = "--folds 2 --set optimiser.epochs=1 --set encoder.hidden_channels=8 --device cpu"
PARTS = "--set encoder.name=gatv2 --set views.masked.mask=blocks --set terms.reconstruction.target=residual"
TRAIN = "wsigraph train demo_out/labels.csv --features features"
MINED = "--folds 2 --set optimiser.epochs=1 --device cpu --mine rounds=1 --mine epochs_per_round=1"
LITTLE = f"{MINED} --mine warmup=0 --mine floor=0 --mine steps=2 --mine batch=16"
PIXELS = "--images demo_out/slides --mine network=resnet18 --mine network.stem=small"
MINE = "wsigraph mine demo_out/labels.csv --features features"
SPLIT = "wsigraph splits demo_out/labels.csv"
SPACE = (
    "wsigraph benchmark demo_out/labels.csv --features features --out runs/benchmark --recipes abmil,gin "
    "--controls shuffled --seeds 0"
)
GIVEN = "wsigraph train demo_out/labels.csv --features packed --splits splits"
EXAMPLES = ("bracs", "panda", "camelyon16", "tcga_luad", "all_three")
REDUCED = {
    "pip install wsigraph": None,  # the wheel test installs it
    **{  # they need true lists of slides; tests/test_examples*.py run them as they stand here
        f"python examples/{name}.py --smoke --out runs/{name}": None for name in EXAMPLES
    },
    f"{MINE} --out runs/mined": f"{MINE} {LITTLE} --out runs/mined",
    f"{MINE} {PIXELS} --out runs/pixels": (
        f"{MINE} {PIXELS} --mine network.width=4 {LITTLE} --out runs/pixels"
    ),
    "wsigraph demo": "wsigraph demo --slides small",
    **{
        f"{SPACE}{most}": f"{SPACE} --folds 2 --set optimiser.epochs=1 --device cpu{most}"
        for most in (" --most 0", "")
    },
    f"{SPLIT} --kind kfold --folds 4 --out splits": f"{SPLIT} --kind kfold --folds 2 --out splits",
    f"{GIVEN} --recipe abmil --out runs/given": (
        f"{GIVEN} --recipe abmil --set optimiser.epochs=1 --set encoder.hidden_channels=8 --out runs/given"
    ),
    "wsigraph train demo_out/labels.csv --features features --recipe srmil --folds 4 --out runs/srmil": (
        f"wsigraph train demo_out/labels.csv --features features --recipe srmil {QUICK} --out runs/srmil"
    ),
    **{
        f"{TRAIN} --recipe {what} --folds 4 --out {run}": f"{TRAIN} --recipe {what} {QUICK} --out {run}"
        for what, run in (
            ("srmil_code", "runs/code"),
            (f"srmil {PARTS}", "runs/parts"),
            ("transmil", "runs/transmil"),
            ("gin --task ordinal --classes scattered,clustered", "runs/ordinal"),
        )
    },
    **{
        f"{TRAIN} --recipe {name} --folds 4{start} --out {run}": (
            f"{TRAIN} --recipe {name} {QUICK}{start} --out {run}"
        )
        for name, start, run in (
            ("srmil_pretrain", "", "runs/pretrained"),
            ("srmil", " --start-from runs/pretrained", "runs/started"),
        )
    },
}
"""README command -> what is run in its stead; None where nothing is."""

IMAGES = " ".join(f"$WSIGRAPH_DATA/crchisto/images/img{i}.png" for i in range(1, 25))
REAL = {
    "wsigraph encode $WSIGRAPH_DATA/crchisto/images --out crc --patch-px 32 --mpp 0.55 --slide-mpp 0.55": (
        f"wsigraph encode {IMAGES} --out crc --patch-px 32 --mpp 0.55 --slide-mpp 0.55"
    ),
    **{
        f"wsigraph train crc.csv --features crc --recipe {name} --folds 10 --repeats 5 --out run_{name}": (
            f"wsigraph train crc.csv --features crc --recipe {name} {QUICK} --out run_{name}"
        )
        for name in ("srmil", "abmil")
    },
    "python -m benchmarks.crchisto --features crc --runs run_srmil run_abmil --out benchmarks/results": (
        "python -m benchmarks.crchisto --features crc --runs run_srmil run_abmil --out results"
    ),
}
"""README command on real data -> the same on 24 of the 100 images, one epoch."""


def commands():
    """Commands of the console blocks, in order: lines that begin with a dollar sign."""
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.S):
        yield from re.findall(r"^\$ (.+)$", block, flags=re.M)


def snippets():
    """Python blocks, in order."""
    return re.findall(r"```python\n(.*?)```", README, flags=re.S)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """One folder in which all commands run, one after the other, as a reader would."""
    return tmp_path_factory.mktemp("readme")


ONE_AFTER_THE_OTHER = """
import json, sys
from wsigraph.cli import main

for words in json.load(sys.stdin):
    try:
        main(words)
    except SystemExit as left:
        if left.code:
            sys.exit(f"{words} left {left.code}")
"""
"""A program that runs commands in one process: torch is loaded once, not forty times."""


def assert_commands_run(commands, workplace):
    """Run ``wsigraph`` with each list of words, as its program does."""
    assert_runs([sys.executable, "-c", ONE_AFTER_THE_OTHER], workplace, told=json.dumps(commands))


def assert_runs(arguments, workplace, told=None):
    done = subprocess.run(
        arguments,
        input=told,
        cwd=workplace,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} left {done.returncode}:\n{done.stdout}\n{done.stderr}"


def test_every_command_and_then_every_snippet_runs(workplace):
    seen = list(commands())
    assert len(seen) >= 8
    assert set(REDUCED) <= set(seen), "a reduced command no longer stands in the README"
    asked = []
    for command in seen:
        short = None if command in REAL else REDUCED.get(command, command)
        if short is not None:
            program, *arguments = shlex.split(short)
            assert program == "wsigraph", f"the README shows {program!r}: say in REDUCED what to run"
            asked.append(arguments)
    assert_runs([sys.executable, "-m", "wsigraph", *asked[0]], workplace)
    assert_commands_run(asked[1:], workplace)
    for snippet in snippets():
        quick = snippet.replace(
            "result = wg.cross_validate(recipe, cohort, folds=4",
            "recipe = recipe.with_settings({'optimiser.epochs': 1, 'encoder.hidden_channels': 8})\n"
            "result = wg.cross_validate(recipe, cohort, folds=2",
        )
        assert_runs([sys.executable, "-c", quick], workplace)


def test_nothing_is_left_to_be_filled_in():
    assert not re.findall(r"<!--.*?-->|TODO", README, flags=re.S)


def test_the_aggregator_of_the_contributing_guide_meets_the_kit(tmp_path):
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    whole = "\n".join(re.findall(r"```python\n(.*?)```", guide, flags=re.S)).replace(
        "from __future__ import annotations\n", ""
    )
    assert_runs([sys.executable, "-c", f"{whole}\n\ntest_smooth_max()\n"], tmp_path)


@pytest.mark.real
def test_the_commands_on_real_images_run(real_data, tmp_path):
    assert set(REAL) <= set(commands()), "a command on real data no longer stands in the README"
    with open(real_data / "crchisto" / "bags.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:24]
    lines = ["slide_id,patient_id,label"]
    for row in rows:
        label = "epithelial" if row["label_any_epithelial"] == "1" else "none"
        lines.append(f"{row['image']},{row['image']},{label}")
    (tmp_path / "crc.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for short in REAL.values():
        words = shlex.split(short.replace("$WSIGRAPH_DATA", str(real_data)))
        if words[0] == "wsigraph":
            words = ["python", "-m", *words]
        assert_runs([sys.executable, *words[1:]], tmp_path)
    assert "abmil" in next((tmp_path / "results").glob("crchisto_*.md")).read_text(encoding="utf-8")
