"""Tensors on disk: read as written, refused when broken or of another program."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from wsigraph.errors import RunError
from wsigraph.io.atomic import sha256
from wsigraph.io.tensor_file import read_tensors, write_tensors


def test_tensors_come_back_with_what_was_said_of_them(tmp_path):
    held = {"a.b": torch.randn(3, 2), "n": torch.tensor([1, 2]), "z": torch.zeros(0)}
    for name in ("one", "two"):
        write_tensors(tmp_path / name, held, {"log": [{"epoch": 0, "loss": 0.5}], "none": None})
    found, about = read_tensors(tmp_path / "one")
    assert about == {"log": [{"epoch": 0, "loss": 0.5}], "none": None}
    assert set(found) == set(held)
    assert all(torch.equal(found[k], held[k]) for k in held)
    assert sha256(tmp_path / "one") == sha256(tmp_path / "two")


def test_a_broken_or_foreign_tensor_file_is_refused(tmp_path):
    write_tensors(tmp_path / "x", {"a": torch.ones(100)})
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:200])
    with pytest.raises(RunError, match="expected whole tensors of wsigraph"):
        read_tensors(tmp_path / "x")
    with pytest.raises(RunError, match="expected whole tensors of wsigraph"):
        read_tensors(tmp_path / "nothing")
    save_file({"a": torch.ones(3)}, tmp_path / "another's")
    with pytest.raises(RunError, match="expected whole tensors of wsigraph"):
        read_tensors(tmp_path / "another's")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    write_tensors(tmp_path / "x", {"a": torch.ones(3)}, "old")

    def full(tensors, path, about):
        path.write_bytes(b"half")
        raise OSError("no room")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="no room"):
        write_tensors(tmp_path / "x", {"a": torch.zeros(3)}, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert read_tensors(tmp_path / "x")[1] == "old"
