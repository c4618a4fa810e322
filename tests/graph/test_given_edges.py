"""Given edges hold between places: written, read, shuffled and thinned out they join what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures, on_level0
from wsigraph.errors import FeatureError, FeatureFileError, GraphError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.given import Given
from wsigraph.graph.builders.shuffled import Shuffled
from wsigraph.io.features import read_features, write_features
from wsigraph.io.features.survey import survey_features
from wsigraph.io.features.writer import features_hash, verify_features

PAIRS = [(0, 1), (1, 0), (1, 3), (4, 2)]


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    coords = np.array([[5, 5], [90, 7], [7, 90], [-4, 60], [50, 51]])
    joins = np.array([[*coords[a], *coords[b]] for a, b in PAIRS])
    return PatchFeatures("s", rng.random((5, 3)).astype(np.float16), coords, step_level0=0, joins=joins)


def joined(index):
    return set(zip(*np.asarray(index).tolist(), strict=True))


def test_edges_are_the_given_ones_in_both_directions(features):
    found = Given().edges(features)
    assert joined(found.index) == {(0, 1), (1, 0), (1, 3), (3, 1), (4, 2), (2, 4)}
    assert found.notes == ()


def test_edges_of_a_patch_that_was_left_out_are_left_out_and_counted(features):
    keep = np.array([0, 2, 3, 4])
    found = Given().edges(replace(features, x=features.x[keep], coords=features.coords[keep]))
    assert joined(found.index) == {(1, 3), (3, 1)}
    assert found.notes == ("3 of 4 given edges end where no patch is",)


def test_shuffling_keeps_the_shape_and_deals_the_patches_anew(features):
    plain, mixed = to_graph(features, Given()), to_graph(features, Shuffled("given", seed=1))
    at = {tuple(p): i for i, p in enumerate(plain.pos.tolist())}
    place = [at[tuple(p)] for p in mixed.pos.tolist()]
    assert place != list(range(5))
    renamed = {(place[a], place[b]) for a, b in joined(mixed.edge_index)}
    assert renamed == joined(plain.edge_index)


def test_a_file_holds_them_and_its_hash_covers_them(features, tmp_path):
    path = tmp_path / "s.h5"
    write_features(path, features)
    read = read_features(path)
    assert (read.joins == features.joins).all()
    assert verify_features(path) == features_hash(path) == survey_features(path).digest
    write_features(tmp_path / "other.h5", replace(features, joins=features.joins[:-1]))
    write_features(tmp_path / "none.h5", replace(features, joins=features.joins[:0]))
    assert len({features_hash(tmp_path / f"{name}.h5") for name in ("s", "other", "none")}) == 3
    assert read_features(tmp_path / "none.h5").joins.shape == (0, 4)


def test_a_flipped_bit_among_them_is_found(features, tmp_path):
    path = tmp_path / "s.h5"
    write_features(path, features)
    data = bytearray(path.read_bytes())
    at = data.find(features.joins.astype("<i8").tobytes())
    assert at > 0
    data[at] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FeatureFileError, match="data that fail their checksum"):
        read_features(path)


def test_they_follow_their_patches_to_level_0(features):
    moved = on_level0(replace(features, mpp=0.5, level0_known=False), 0.25)
    assert joined(Given().edges(moved).index) == joined(Given().edges(features).index)
    assert (moved.joins == 2 * features.joins).all()


def test_without_given_edges_or_with_odd_ones_it_refuses(features):
    with pytest.raises(GraphError, match="edges of 5 patches in the features"):
        to_graph(replace(features, joins=features.joins[:0]), Given())
    with pytest.raises(FeatureError, match=r"joins of shape \[J, 4\], got \[4, 2\]"):
        replace(features, joins=features.joins[:, :2])
