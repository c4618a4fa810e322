"""Rows on disk: read where asked, refused when they are not those announced; room, and what kills leave."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.io.atomic import sweep, write_text
from wsigraph.io.disk import free_bytes
from wsigraph.io.row_cache import drop_file, read_rows, write_rows


def test_rows_are_written_batch_by_batch_and_read_where_asked(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (17, 4, 4, 3), dtype=np.uint8)
    write_rows(tmp_path / "r.npy", (rows[i : i + 5] for i in range(0, 17, 5)), count=17)
    found = read_rows(tmp_path / "r.npy")
    assert isinstance(found, np.memmap)
    assert (found[[3, 16, 3]] == rows[[3, 16, 3]]).all()
    drop_file(tmp_path / "r.npy")
    drop_file(tmp_path / "r.npy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "batches",
    [
        [np.zeros((3, 2))],
        [np.zeros((3, 2)), np.zeros((3, 2))],
        [np.zeros((3, 2)), np.zeros((2, 2), np.float32)],
        [],
    ],
)
def test_rows_that_are_not_those_announced_are_refused_and_leave_no_file(tmp_path, batches):
    with pytest.raises(RunError, match="Rows of"):
        write_rows(tmp_path / "r.npy", iter(batches), count=5)
    assert not list(tmp_path.iterdir())


def test_free_room_is_that_of_the_disk_a_new_folder_would_lie_on(tmp_path, monkeypatch):
    asked = []
    plain = shutil.disk_usage

    def disk_usage(place):
        asked.append(place)
        return plain(place)

    monkeypatch.setattr("wsigraph.io.disk.shutil.disk_usage", disk_usage)
    assert free_bytes(tmp_path / "not" / "yet" / "there") > 0
    assert asked == [tmp_path]


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from wsigraph.io.row_cache import write_rows
def rows():
    yield np.zeros((2, 3))
    os.kill(os.getpid(), signal.SIGKILL)
write_rows(Path(sys.argv[1]), rows(), count=4)
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path):
    target = tmp_path / "fold" / "mined.npy"
    done = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [path.name for path in target.parent.iterdir()]
    assert len(left) == 1
    assert left[0] != "mined.npy"
    kept = [tmp_path / "fold" / name for name in (".a.tmp", ".x.h5.tmpl", "b.12345678.tmp", "deep/c.json")]
    for path in kept:
        write_text(path, "")
    sweep(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    sweep(tmp_path / "nothing")
