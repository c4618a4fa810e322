"""``wsigraph convert``: one file per slide, bad slides named, wrong kinds refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from wsigraph.cli.exit import DONE, NOTHING, SOME, WRONG
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.knn import KNN
from wsigraph.io.features import read_features


@pytest.mark.parametrize(
    ("kind", "ending"), [("anndata", "h5ad"), ("graphml", "graphml"), ("geojson", "geojson")]
)
def test_each_slide_becomes_a_file(wsigraph, feature_folder, tmp_path, kind, ending):
    files = sorted((feature_folder / "features").glob("*.h5"))
    left = wsigraph("convert", files[0], files[1], "--to", kind, "--out", tmp_path / "out", "--json")
    assert left.code == DONE
    written = [tmp_path / "out" / f"{file.stem}.{ending}" for file in files[:2]]
    assert json.loads(left.out) == {"written": list(map(str, written)), "failed": {}}
    assert all(path.stat().st_size for path in written)


def test_the_graph_is_the_one_asked_for(wsigraph, feature_folder, tmp_path):
    file = next((feature_folder / "features").glob("*.h5"))
    assert wsigraph("convert", file, "--to", "pyg", "--k", 4, "--out", tmp_path).code == DONE
    held = torch.load(tmp_path / f"{file.stem}.pt", weights_only=True)
    asked = to_graph(read_features(file), KNN(k=4))
    assert torch.equal(held["edge_index"], asked.edge_index.as_tensor())


def test_tiles_of_qupath_carry_the_number_of_neighbours(wsigraph, feature_folder, tmp_path):
    file = next((feature_folder / "features").glob("*.h5"))
    assert wsigraph("convert", file, "--to", "geojson", "--out", tmp_path).code == DONE
    tiles = json.loads((tmp_path / f"{file.stem}.geojson").read_text(encoding="utf-8"))["features"]
    read = read_features(file)
    degree = np.bincount(to_graph(read).edge_index[1].numpy(), minlength=len(read))
    assert [tile["properties"]["measurements"]["value"] for tile in tiles] == degree.tolist()
    assert [tile["geometry"]["coordinates"][0][0] for tile in tiles] == read.coords.tolist()


def test_a_bad_slide_is_named_and_the_rest_goes_on(wsigraph, feature_folder, tmp_path):
    good = next((feature_folder / "features").glob("*.h5"))
    (tmp_path / "broken.h5").write_bytes(b"not hdf5 at all")
    left = wsigraph(
        "convert", good, tmp_path / "broken.h5", good, "--to", "graphml", "--out", tmp_path / "out"
    )
    assert left.code == SOME
    assert "broken.h5" in left.err
    assert f"'{good.stem}.graphml': expected one slide of this name, got a second" in left.err
    assert wsigraph("convert", tmp_path / "broken.h5", "--to", "pyg", "--out", tmp_path).code == NOTHING


def test_an_unknown_kind_and_a_broken_option_are_wrong_use(wsigraph, feature_folder, tmp_path):
    left = wsigraph("convert", feature_folder / "features", "--to", "dgl", "--out", tmp_path)
    assert left.code == WRONG
    assert "expected one of ['anndata', 'graphml', 'pyg', 'geojson'], got 'dgl'" in left.err
    left = wsigraph("convert", feature_folder, "--to", "pyg", "--out", tmp_path, "--option", "um")
    assert left.code == WRONG
