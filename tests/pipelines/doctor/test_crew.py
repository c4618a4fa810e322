"""Files shared among processes give the same findings, and one that kills its reader is named."""

from __future__ import annotations

import json
import subprocess
import sys

from wsigraph.pipelines.doctor.crew import BYTES_PER_S, MOST, crew_for

SCRIPT = """
import json, os, sys
from pathlib import Path
from wsigraph.pipelines.doctor.crew import looks
from wsigraph.pipelines.doctor.look import look

def deadly(path):
    if path.name == "synthetic_005.h5":
        os._exit(1)  # as a crash in a library does
    return look(path)

if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).glob("*.h5"))
    shared, crashed = list(looks(files, workers=2)), list(looks(files, workers=2, at=deadly))
    alone = list(looks(files))
    named = [(one.name, fault.name, fault.text) for one in crashed for fault in one.faults]
    others = [one for one in crashed if one.name != "synthetic_005.h5"]
    rest = [one for one in alone if one.name != "synthetic_005.h5"]
    # compared as text: an unknown step is NaN
    same = {"shared": repr(shared) == repr(alone), "others": repr(others) == repr(rest)}
    print(json.dumps({**same, "faults": named}))
"""


def test_processes_find_what_one_finds_and_survive_a_crash(planted, tmp_path):
    planted.path(3).write_bytes(b"nothing of the kind")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "script.py"), str(planted.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["shared"]
    assert told["others"]
    assert [(where, name) for where, name, _ in told["faults"]] == [
        ("synthetic_003.h5", "unreadable"),
        ("synthetic_005.h5", "unreadable"),
    ]
    assert "ended the process" in told["faults"][1][2]


def test_processes_are_bounded_and_little_work_needs_none(monkeypatch, tmp_path):
    large = tmp_path / "large.h5"
    with open(large, "wb") as file:
        file.truncate(int(BYTES_PER_S))  # a second of work, and no byte on the disk
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert crew_for([large] * 2) == crew_for([tmp_path / "missing.h5"] * 700) == 0
    assert crew_for([large] * 3) == crew_for([tmp_path / "missing.h5"] * 10_000) == MOST
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert crew_for([large] * 3) == 0
