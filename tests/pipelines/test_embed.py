"""Vectors of slides: what the head answers from, with what the network knew of each slide."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import pytest
import torch

from wsigraph.cli.app import run as command
from wsigraph.errors import FeatureFileError, RunError
from wsigraph.io.slide_vectors import read_slide_vector
from wsigraph.pipelines.embed import embed_files
from wsigraph.pipelines.trained import load_model


def test_the_vector_is_what_the_head_answers_from(finished, manifest, tmp_path):
    folder = manifest.parent / "features"
    slides, failed = embed_files(finished / "fold_1", [folder], tmp_path / "slides.h5")
    assert not failed
    with h5py.File(tmp_path / "slides.h5") as file:
        vectors, names = file["embedding"][...], file["slide_id"].asstr()[...].tolist()
        splits = dict(zip(names, file["split"].asstr()[...], strict=True))
        assert file.attrs["recipe"].decode() == "srmil"
    assert names == slides == sorted(path.stem for path in folder.iterdir())
    (network,) = load_model(finished / "fold_1").networks
    (head,) = network.heads.values()
    with torch.no_grad():  # the head's classifier gives the run's own probabilities from them
        found = head.classify(torch.from_numpy(vectors)).softmax(1)[:, 1].tolist()
    with open(finished / "fold_1" / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = {row["slide_id"]: row for row in csv.DictReader(file)}
    for name, probability in zip(names, found, strict=True):
        assert splits[name] == (rows[name]["split"] if name in rows else "train")
        if name in rows:
            assert probability == pytest.approx(float(rows[name]["prob_scattered"]), abs=1e-5)
    assert set(splits.values()) == {"train", "val", "test"}


def test_folds_have_spaces_of_their_own(finished, manifest, tmp_path):
    with pytest.raises(RunError, match=r"expected one network, got 2. Vectors of different folds .*fold_0"):
        embed_files(finished, [manifest.parent / "features"], tmp_path / "slides.h5")
    with pytest.raises(RunError, match="expected one network, got 2"):
        load_model(finished).embedding(None)


def test_anndata_holds_the_same_and_a_bad_file_is_named(finished, manifest, tmp_path, capsys):
    anndata = pytest.importorskip("anndata")
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    folder = manifest.parent / "features"
    one = folder / "synthetic_000.h5"
    asked = [
        "embed",
        finished / "fold_0",
        one,
        tmp_path / "bad.h5",
        "--out",
        tmp_path / "slides.h5ad",
        "--json",
    ]
    assert command([str(word) for word in asked]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["slides"] == ["synthetic_000"]
    assert list(said["failed"]) == [str(tmp_path / "bad.h5")]
    found = anndata.read_h5ad(tmp_path / "slides.h5ad")
    embed_files(finished / "fold_0", [one], tmp_path / "slides.h5")
    with h5py.File(tmp_path / "slides.h5") as file:
        assert np.array_equal(found.X, file["embedding"][...])
        assert found.obs["split"].tolist() == file["split"].asstr()[...].tolist()
    assert found.obs_names.tolist() == ["synthetic_000"]


@pytest.mark.parametrize("shape", [(5,), (1, 5), (1, 1, 5)])
def test_the_vector_of_a_slide_is_read_in_the_shapes_it_comes_in(tmp_path, shape):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"] = np.arange(5, dtype=np.float16).reshape(shape)
    assert read_slide_vector(tmp_path / "a.h5").tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_what_is_no_vector_of_a_slide(tmp_path):
    for name, content in (
        ("many", np.ones((2, 5))),
        ("empty", np.ones((0,))),
        ("nan", np.array([1, np.nan])),
    ):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["features"] = content
    with pytest.raises(
        FeatureFileError, match=r"one vector 'features' of the slide, got shape \[2, 5\].*mean_pool"
    ):
        read_slide_vector(tmp_path / "many.h5")
    with pytest.raises(FeatureFileError, match=r"got shape \[0\]"):
        read_slide_vector(tmp_path / "empty.h5")
    with pytest.raises(FeatureFileError, match="expected finite features, got NaN or inf in 1 of 2"):
        read_slide_vector(tmp_path / "nan.h5")
