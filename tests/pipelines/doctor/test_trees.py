"""The doctor over a label tree: coarse labels are no other class, siblings in one patient are."""

from __future__ import annotations

import csv
import json

import pytest

from wsigraph.cli.app import run
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.pipelines.doctor import examine_manifest
from wsigraph.synthetic.hierarchy import synthetic_tree


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, write_tree_cohort):
    """Forty-two synthetic slides over a tree, each its own patient but for the first four."""
    made = write_tree_cohort(tmp_path_factory.mktemp("trees"), synthetic_tree(), slides=42, coarse_only=0.0)
    with open(made, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["patient_id"] = f"p{i}"
    rows[7] |= {"patient_id": "p0", "subtype": "", "label": rows[7]["group"]}  # of one line with slide 0
    rows[1] |= {"patient_id": "p2"}  # siblings
    with open(made, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return made


@pytest.mark.parametrize("columns", ["group,subtype", "label"])
def test_a_coarse_label_contradicts_nothing_and_siblings_do(manifest, columns):
    task = Hierarchy(synthetic_tree(), target_col=columns)
    found = examine_manifest(manifest, manifest.parent / "features", task=task)
    told = {fault.where: fault for fault in found.faults}
    assert told["patient 'p2'"].text == "A / A2, A / A3"
    assert "patient 'p0'" not in told
    assert found.facts["slides_per_class"]["A"] == 1
    assert found.facts["slides_per_class"]["A / A1"] == 5
    assert not [fault for fault in found.faults if fault.kind == "fault"]


def test_the_command_reads_a_tree_as_training_does(manifest, capsys):
    given = ("--features", str(manifest.parent / "features"), "--task", "hierarchy")
    code = run(["doctor", str(manifest), *given, "--target-col", "group,subtype", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["facts"]["patients_per_class"]["C / C2"] == 6
