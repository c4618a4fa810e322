"""Packed features: the same slides, smaller and with their edges; nothing stale or damaged is believed."""

from __future__ import annotations

import json
import pickle
import shutil

import h5py
import numpy as np
import pytest
import torch

from wsigraph.cli.app import run as command
from wsigraph.errors import CohortError, FeatureFileError
from wsigraph.graph.base import Edges
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.builders.shuffled import Shuffled
from wsigraph.graph.builders.window import Window
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.edge_cache import cached_edges, edges_file, write_edges
from wsigraph.io.features import read_features, write_features
from wsigraph.io.graph_store import GraphStore
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.pack import pack_files
from wsigraph.synthetic.features import arrangement_cohort


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Ten synthetic slides as TRIDENT writes them, a row per chunk, and their manifest."""
    folder = tmp_path_factory.mktemp("job")
    made = arrangement_cohort(10, seed=3, grid=8)
    place = folder / "20x_256px_0px_overlap" / "features_uni_v1"
    place.mkdir(parents=True)
    rows = ["slide_id,patient_id,label"]
    for features, patient, label in zip(made.features, made.patients, made.labels, strict=True):
        x = features.x.astype(np.float16).astype(np.float32)  # so that float16 loses nothing
        with h5py.File(place / f"{features.slide_id}.h5", "w") as file:
            file.create_dataset("features", data=x, chunks=(1, x.shape[1]))
            coords = file.create_dataset("coords", data=features.coords, chunks=(1, 2))
            size = features.patch_size_level0
            coords.attrs.update({"patch_size": 256, "patch_size_level0": size, "overlap": 0})
        rows.append(f"{features.slide_id},{patient},{made.classes[label]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def assert_same_graph(a, b):
    assert torch.equal(torch.as_tensor(a.edge_index), torch.as_tensor(b.edge_index))
    assert torch.equal(a.pos, b.pos)
    assert torch.equal(a.x.float(), b.x.float())


def sources(job):
    return sorted((job / "20x_256px_0px_overlap" / "features_uni_v1").iterdir())


@pytest.fixture
def packed(job, tmp_path):
    pack_files([job], tmp_path / "packed", builder=KNN())
    return tmp_path / "packed"


def test_a_packed_slide_is_the_same_graph(job, packed):
    for source in sources(job):
        target = packed / source.name
        assert_same_graph(to_graph(read_features(target), KNN()), to_graph(read_features(source), KNN()))
        with h5py.File(target) as file:
            assert file["features"].dtype == np.float16
            assert file["features"].chunks[0] == len(file["features"])


def test_a_bad_slide_is_named_and_a_run_called_again_does_only_what_is_left(job, tmp_path):
    bad = tmp_path / "in" / "bad.h5"
    shutil.copytree(sources(job)[0].parent, bad.parent)
    bad.write_bytes(sources(job)[0].read_bytes()[:3000])
    first = pack_files([bad.parent], tmp_path / "out", builder=KNN())
    assert (len(first.done), first.skipped) == (10, [])
    assert list(first.failed) == ["bad"]
    assert "bad.h5" in first.failed["bad"]
    assert first.bytes_before == sum(file.stat().st_size for file in sources(job))
    assert first.bytes_after == sum(f.stat().st_size for f in (tmp_path / "out").rglob("*.h5"))
    (tmp_path / "out" / "synthetic_003.h5").unlink()  # as if it had been stopped there
    edges_file(tmp_path / "out" / "synthetic_004.h5", KNN()).unlink()
    changed = read_features(bad.parent / "synthetic_005.h5")
    write_features(bad.parent / "synthetic_005.h5", changed)
    again = pack_files([bad.parent], tmp_path / "out", builder=KNN())
    assert again.done == ["synthetic_003", "synthetic_004", "synthetic_005"]
    assert len(again.skipped) == 7


def test_kept_edges_spare_the_builder_and_give_the_same_graph(job, packed, monkeypatch):
    slides = [Slide("s", "p", "", source) for source in sources(job)[:3]]
    plain = [GraphStore(KNN(), True, 8, budget_bytes=0).graph(slide) for slide in slides]

    def refuse(self, features):
        raise AssertionError("edges were looked for")

    monkeypatch.setattr(KNN, "edges", refuse)
    store = GraphStore(KNN(), True, 8, budget_bytes=0)
    for slide, graph in zip(slides, plain, strict=True):
        assert_same_graph(store.graph(Slide("s", "p", "", packed / slide.path.name)), graph)


def test_edges_of_a_control_are_drawn_for_the_slide_whatever_its_file_is_called(packed, tmp_path):
    path, builder = packed / "synthetic_001.h5", Shuffled(seed=1)
    pack_files([packed], tmp_path / "again", builder=builder)
    assert not (tmp_path / "again" / "edges").exists()
    write_edges(path, builder, builder.edges(read_features(path)))
    store = GraphStore(builder, self_loops=False, in_channels=8, budget_bytes=0)
    renamed = store.graph(Slide("other", "p", "", path))
    assert_same_graph(renamed, to_graph(read_features(path, slide_id="other"), builder))
    assert not torch.equal(renamed.pos, store.graph(Slide("synthetic_001", "p", "", path)).pos)


def test_memory_for_graphs_is_bounded_and_the_first_that_fit_stay(job):
    cohort = Cohort.from_manifest(job / "labels.csv", features=job)
    store = GraphStore(KNN(), False, 8, budget_bytes=0)
    store.scan(cohort)
    one = GraphStore(KNN(), False, 8)
    one.scan(cohort.subset([0]))
    some = GraphStore(KNN(), False, 8, budget_bytes=int(2.5 * one._used))
    some.scan(cohort)
    kept = [some.graph(slide) is some.graph(slide) for slide in cohort.slides]
    assert kept[:2] == [True, True]
    assert 2 <= sum(kept) < len(cohort)
    assert not any(store.graph(slide) is store.graph(slide) for slide in cohort.slides)
    sent = pickle.loads(pickle.dumps(some))
    assert_same_graph(sent.graph(cohort.slides[0]), some.graph(cohort.slides[0]))
    assert sent.graph(cohort.slides[0]) is not sent.graph(cohort.slides[0])


def test_edges_that_are_not_of_these_features_are_not_taken(packed):
    file = packed / "synthetic_000.h5"
    features = read_features(file)
    n = len(features)
    kept = cached_edges(file, KNN(), num_nodes=n)
    assert np.array_equal(kept.index, KNN().edges(features).index)
    assert cached_edges(file, KNN(k=4), num_nodes=n) is None
    assert cached_edges(file, Window(rings=1), num_nodes=n) is None
    path = edges_file(file, KNN())
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    assert cached_edges(file, KNN(), num_nodes=n) is None
    place = whole.index(np.ascontiguousarray(kept.index, "<i4").tobytes()[:64])
    path.write_bytes(whole[:place] + b"\x01\x02" + whole[place + 2 :])
    assert cached_edges(file, KNN(), num_nodes=n) is None
    for wrong in (np.array([[0], [n]]), np.array([[0], [-1]])):
        write_edges(file, KNN(), Edges(wrong))
        assert cached_edges(file, KNN(), num_nodes=n) is None
    path.write_bytes(whole)
    assert cached_edges(file, KNN(), num_nodes=n) is not None
    shutil.copy(packed / "synthetic_001.h5", file)  # other features under the same name
    assert cached_edges(file, KNN(), num_nodes=n) is None


def test_notes_of_a_builder_are_kept(packed):
    file = packed / "synthetic_000.h5"
    write_edges(file, KNN(), Edges(np.empty((2, 0), dtype=np.int64), ("one", "two")))
    kept = cached_edges(file, KNN(), num_nodes=1)
    assert kept.notes == ("one", "two")
    assert kept.index.shape == (2, 0)


def test_training_on_packed_features_says_the_same(job, packed, small, cpu, tmp_path):
    method, answers = small(optimiser__epochs=1), []
    for name, features in (("a", job), ("b", packed)):
        cohort = Cohort.from_manifest(job / "labels.csv", features=features)
        cross_validate(method, cohort, folds=2, out=tmp_path / name, trainer=cpu)
        answers.append((tmp_path / name / "predictions.csv").read_bytes())
    assert answers[0] == answers[1]


def test_what_cannot_be_packed(job, packed):
    with pytest.raises(FeatureFileError, match="expected a folder other than that of the features"):
        pack_files([packed], packed)
    with pytest.raises(CohortError, match="expected one file per slide, got"):
        pack_files([job, sources(job)[0]], packed)


def test_the_verb(job, tmp_path, capsys):
    ask = ["pack", str(job), "--out", str(tmp_path / "out"), "--graph", "knn", "--k", "4", "--json"]
    assert command(ask) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["done"]) == 10
    assert said["bytes_after"] == sum(f.stat().st_size for f in (tmp_path / "out").rglob("*.h5"))
    assert edges_file(tmp_path / "out" / "synthetic_000.h5", KNN(k=4)).is_file()
    assert command([*ask[:-1], "--no-edges"]) == 0
    assert "whole already 10 failed 0 before 0.1 MB" in " ".join(capsys.readouterr().out.split())
