"""What the doctor shows: findings that can be acted on, or one JSON object with the documented keys."""

from __future__ import annotations

import json

from wsigraph.cli.app import run
from wsigraph.pipelines.doctor.sizes import histogram_lines, sizes_histogram


def test_one_json_object_with_the_documented_keys(planted, capsys):
    assert run(["doctor", str(planted.manifest), "--features", str(planted.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"machine", "facts", "faults"}
    assert told["faults"] == []
    planted.path(1).write_bytes(b"nothing of the kind")
    assert run(["doctor", str(planted.folder), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert set(fault) == {"name", "kind", "where", "text", "todo"}
    assert (fault["name"], fault["where"]) == ("unreadable", "synthetic_001.h5")


def test_the_same_fault_in_many_files_is_said_once(planted, capsys):
    for number in range(11):
        planted.path(number).write_bytes(b"nothing of the kind")
    assert run(["doctor", str(planted.folder)]) == 1
    said = capsys.readouterr().out
    assert said.index("This machine") < said.index("fault: unreadable (11)")
    assert said.count("-> Copy or encode these slides again.") == 1
    for shown in (
        "synthetic_000.h5: expected an HDF5 file",
        "synthetic_009.h5 and 1 more",
        "1 kind of fault found",
    ):
        assert shown in said
    assert "synthetic_010.h5" not in said
    assert "4 channels of encoder 'synthetic' at 256 px (1 file)" in " ".join(said.split())


def test_survival_columns_are_taken(planted, capsys):
    rows = [f"{row},{number},{number % 2}" for number, row in enumerate(planted.rows())]
    rows[0] = "slide_id,patient_id,label,months,dead"
    planted.write_rows(rows)
    asked = ["--task", "cox", "--time-col", "months", "--event-col", "dead"]
    assert run(["doctor", str(planted.manifest), *asked]) == 0
    assert "no fault found" in capsys.readouterr().out


def test_sizes_are_counted_in_steps_of_one_two_and_five():
    sizes = [3, 60, 99, 100, 199, 200, 450, 1000]
    found = sizes_histogram(sizes)
    assert found == {
        "2 to 4": 1,
        "5 to 9": 0,
        "10 to 19": 0,
        "20 to 49": 0,
        "50 to 99": 2,
        "100 to 199": 2,
        "200 to 499": 2,
        "500 to 999": 0,
        "1,000 to 1,999": 1,
    }
    lines = histogram_lines({"5 to 9": 4, "10 to 19": 1, "20 to 49": 0}, width=8)
    assert lines == ["  5 to 9  4  ########", "10 to 19  1  ##", "20 to 49  0  "]
