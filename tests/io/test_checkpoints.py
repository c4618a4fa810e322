"""Checkpoints and models on disk: whole or absent, never code."""

from __future__ import annotations

import errno
import os
import pickle

import pytest
import torch

from wsigraph.errors import RunError
from wsigraph.io.atomic import write_text
from wsigraph.io.checkpoints import AtomicCheckpoints, load_checkpoint
from wsigraph.io.log_file import read_log, write_log
from wsigraph.io.model_files import load_model_folder, save_model
from wsigraph.training.recipe import recipe


@pytest.fixture
def saved(tmp_path):
    method = recipe("abmil", in_channels=6, classes=["a", "b"])
    model, _ = method.build(seed=3)
    save_model(tmp_path, model, method)
    return tmp_path, model, method


def test_a_model_comes_back_bit_for_bit(saved):
    folder, model, method = saved
    again, same = load_model_folder(folder)
    assert same == method
    assert not again.training
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())
    assert sorted(f.name for f in folder.iterdir()) == ["model.safetensors", "recipe.json"]


def test_an_unfinished_model_is_refused(saved):
    folder, *_ = saved
    (folder / "model.safetensors").unlink()
    with pytest.raises(
        RunError, match=r"expected a file model.safetensors, got none. Finish the training run"
    ):
        load_model_folder(folder)


def test_weights_of_another_recipe_are_refused(saved):
    folder, _, method = saved
    wider = method.with_settings({"encoder.hidden_channels": 64})
    write_text(folder / "recipe.json", wider.model_dump_json())
    with pytest.raises(RunError, match="expected weights that fit its recipe, got Error"):
        load_model_folder(folder)


def test_cut_weights_are_refused(saved):
    folder, *_ = saved
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(RunError, match="expected weights that fit its recipe, got"):
        load_model_folder(folder)


def test_a_checkpoint_comes_back(tmp_path):
    content = {"state_dict": {"w": torch.arange(3.0)}, "epoch": 2, "history": [{"loss": 0.5}], "none": None}
    AtomicCheckpoints().save_checkpoint(content, tmp_path / "a.ckpt")
    again = AtomicCheckpoints().load_checkpoint(tmp_path / "a.ckpt")
    assert torch.equal(again["state_dict"].pop("w"), torch.arange(3.0))
    assert again == {"state_dict": {}, "epoch": 2, "history": [{"loss": 0.5}], "none": None}


class Evil:
    """Would run code when unpickled."""

    def __reduce__(self):
        return os.system, ("true",)


def test_code_is_neither_written_nor_read(tmp_path):
    with pytest.raises(RunError, match="expected a whole checkpoint of tensors and plain values"):
        AtomicCheckpoints().save_checkpoint({"evil": Evil()}, tmp_path / "a.ckpt")
    assert list(tmp_path.iterdir()) == []
    torch.save({"evil": Evil()}, tmp_path / "b.ckpt")
    with pytest.raises(RunError, match="Delete it to start this fold again"):
        AtomicCheckpoints().load_checkpoint(tmp_path / "b.ckpt", weights_only=False)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", pickle.dumps({"a": 1}, protocol=2)[:-3]])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    file = tmp_path / "last.ckpt"
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"Checkpoint '.*last.ckpt': expected a whole checkpoint"):
        load_checkpoint(file)


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, moment):
    file = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, file)

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, moment, full)
    with pytest.raises(OSError, match="No space left on device"):
        AtomicCheckpoints().save_checkpoint({"epoch": 2}, file)
    monkeypatch.undo()
    assert load_checkpoint(file) == {"epoch": 1}
    assert [f.name for f in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_log_comes_back_with_gaps(tmp_path):
    rows = [{"epoch": 0, "loss": 0.25}, {"epoch": 1, "loss": 0.125, "late": 3.0}]
    write_log(tmp_path / "log.csv", rows)
    assert (tmp_path / "log.csv").read_text().splitlines() == ["epoch,loss,late", "0,0.25,", "1,0.125,3"]
    assert read_log(tmp_path / "log.csv") == rows
