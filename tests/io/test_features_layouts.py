"""Files of TRIDENT and CLAM give the graph of the tissue, whatever the scan's resolution."""

from __future__ import annotations

import math

import h5py
import numpy as np
import pytest

from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.window import Window
from wsigraph.io.features import read_features


def tissue(seed=0):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(20), np.arange(15)), axis=-1).reshape(-1, 2)
    return rng.permutation(grid[rng.random(len(grid)) > 0.25])


def write_trident(path, coords, *, size, **facts):
    x = np.random.default_rng(1).normal(size=(len(coords), 6)).astype(np.float32)
    facts = {
        "patch_size": 256,
        "patch_size_level0": size,
        "level0_magnification": 40,
        "target_magnification": 20,
        "overlap": 0,
        "name": path.stem,
        "savetodir": "None",
        "level0_width": "None",
        "level0_height": "None",
    } | facts
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=x, chunks=(1, 6))
        file.create_dataset("coords", data=coords).attrs.update(facts)


def edges(features, builder=None):
    return set(zip(*to_graph(features, builder).edge_index.tolist(), strict=True))


def test_a_40x_slide_read_at_20x_gives_the_graph_of_the_20x_slide(tmp_path):
    """FIELD.md 2.1: dividing by ``patch_size`` leaves no edge here."""
    grid = tissue()
    write_trident(tmp_path / "at20.h5", grid * 256, size=256, level0_magnification=20)
    write_trident(tmp_path / "at40.h5", grid * 512, size=512)
    at20, at40 = read_features(tmp_path / "at20.h5"), read_features(tmp_path / "at40.h5")
    assert (at20.step_level0, at40.step_level0) == (256.0, 512.0)
    assert edges(at20) == edges(at40)
    assert edges(at20, Window()) == edges(at40, Window())
    card = to_graph(at40).card()
    assert (card.step, card.step_confidence, card.components) == (512.0, 1.0, 1)
    assert card.isolated == 0


def test_facts_of_trident(tmp_path):
    write_trident(tmp_path / "s.h5", tissue() * 512, size=512)
    features = read_features(tmp_path / "s.h5")
    assert features.source == "trident"
    assert (features.patch_size_level0, features.patch_px) == (512.0, 256)
    assert math.isnan(features.mpp)  # a magnification is no mpp
    assert any("mpp" in note for note in features.notes)
    write_trident(tmp_path / "s.h5", tissue() * 512, size=512, mpp=0.25)
    features = read_features(tmp_path / "s.h5")
    assert (features.mpp, features.target_mpp) == (0.25, 0.5)


def test_overlap_shortens_the_step(tmp_path):
    write_trident(tmp_path / "s.h5", tissue() * 384, size=512, overlap=64)
    features = read_features(tmp_path / "s.h5")
    assert features.step_level0 == 384.0
    assert to_graph(features).card().step_confidence == 1.0


@pytest.mark.parametrize("shape", [(0, 8), (0,)])
def test_an_empty_trident_slide_is_named(tmp_path, shape):
    from wsigraph.errors import FeatureFileError

    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"] = np.zeros(shape, np.float32)
        file.create_dataset("coords", data=np.zeros((0, 2), np.int64)).attrs["patch_size_level0"] = 512
    with pytest.raises(FeatureFileError, match=r"s\.h5.*an empty slide"):
        read_features(tmp_path / "s.h5")


def test_the_string_none_is_an_absent_number(tmp_path):
    write_trident(tmp_path / "s.h5", tissue() * 512, size="None", patch_size="None")
    features = read_features(tmp_path / "s.h5")
    assert to_graph(features).card().step == 512.0


def write_clam(path, coords, x=None):
    x = np.ones((len(coords), 4), np.float32) if x is None else x
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["features"] = x
        file["coords"] = coords


def test_clams_restarting_grids_become_one_lattice(tmp_path):
    """Three contours side by side, each with its own origin: one tissue, one component."""
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2)
    origins = [(0, 0), (8 * 256 + 90, 17), (16 * 256 - 60, -40)]
    coords = np.concatenate([grid * 256 + np.array(origin) for origin in origins])
    write_clam(tmp_path / "s.h5", coords)
    features = read_features(tmp_path / "s.h5")
    assert features.source == "clam"
    assert features.step_level0 == 256.0
    assert len(np.unique(np.mod(features.coords, 256), axis=0)) == 1
    assert np.abs(features.coords - coords).max() <= 128
    card = to_graph(features, Window(rings=1)).card()
    assert (card.components, card.duplicates, card.step_confidence) == (1, 0, 1.0)
    assert any("3 grids snapped" in note for note in card.notes)
    whole = np.stack(np.meshgrid(np.arange(24), np.arange(8)), axis=-1).reshape(-1, 2)
    assert len(np.unique(whole, axis=0)) == card.num_nodes


def test_patches_that_meet_in_one_cell_are_merged_and_counted(tmp_path):
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    second = grid[:12] * 256 + np.array([20, 30])  # overlaps the first grid's upper rows
    coords = np.concatenate([grid * 256, second])
    x = np.concatenate([np.zeros((36, 4)), np.full((12, 4), 2.0)]).astype(np.float32)
    write_clam(tmp_path / "s.h5", coords, x)
    features = read_features(tmp_path / "s.h5")
    assert len(features) == 36
    assert features.x[:, 0].tolist() == [1.0] * 12 + [0.0] * 24  # the mean of both
    assert any("12 patches merged" in note for note in features.notes)


def test_clams_patch_size_is_read_from_the_file_beside(tmp_path):
    coords = tissue() * 512
    write_clam(tmp_path / "h5_files" / "s.h5", coords)
    (tmp_path / "patches").mkdir()
    with h5py.File(tmp_path / "patches" / "s.h5", "w") as file:
        file.create_dataset("coords", data=coords).attrs.update(
            {"patch_size": 256, "patch_level": 1, "downsample": np.array([2.0, 2.0])}
        )
    features = read_features(tmp_path / "h5_files" / "s.h5")
    assert (features.patch_size_level0, features.patch_px, features.step_level0) == (512.0, 256, 512.0)
    assert math.isnan(features.mpp)
    (tmp_path / "patches" / "s.h5").write_bytes(b"broken")
    features = read_features(tmp_path / "h5_files" / "s.h5")
    assert math.isnan(features.patch_size_level0)
    assert any("do not start as HDF5" in note for note in features.notes)


def test_points_without_a_grid_are_left_where_they_are(tmp_path):
    points = np.random.default_rng(0).integers(0, 50_000, (300, 2))
    write_clam(tmp_path / "s.h5", points)
    features = read_features(tmp_path / "s.h5")
    assert np.array_equal(features.coords, points)
    assert math.isnan(features.step_level0)
    assert any("no common step" in note for note in features.notes)


def test_a_wrapped_batch_axis_is_taken_off(tmp_path):
    grid = tissue() * 256
    x = np.random.default_rng(0).random((len(grid), 4))
    write_clam(tmp_path / "s.h5", grid, x[None])
    assert np.array_equal(read_features(tmp_path / "s.h5").x, x.astype(np.float32))


def exports(folder, tissue_grid, x):
    """The same tissue as four tools write it, rows in another order in each."""
    rng, about = np.random.default_rng(3), {"patch_size": 256, "overlap": 0}
    for name, step, mpp in (("at20", 256, 20), ("at40", 512, 40)):
        order = rng.permutation(len(x))
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("features", data=x[order], chunks=(1, x.shape[1]))
            coords = file.create_dataset("coords", data=tissue_grid[order] * step + [1000, 77])
            coords.attrs.update(about | {"patch_size_level0": step, "level0_magnification": mpp})
    order = rng.permutation(len(x))
    # CLAM starts the grid of each contour at its own corner; the second piece lies beyond a gap
    second = (tissue_grid[order][:, :1] >= SECOND_PIECE) * np.array([[101, -63]])
    write_clam(folder / "clam.h5", tissue_grid[order] * 512 + second + [1000, 77], x[order])
    order = rng.permutation(len(x))
    with h5py.File(folder / "stamp.h5", "w") as file:
        file["feats"], file["coords"] = x[order], tissue_grid[order] * 256.0 + 12.5
        file.attrs.update({"unit": "um", "tile_size_um": 256.0, "tile_size_px": 224})


SECOND_PIECE = 26


@pytest.mark.parametrize("builder", [None, Window(rings=2)])
def test_one_tissue_gives_one_graph_whoever_exported_it(tmp_path, builder):
    """Rows are matched by their features; edges are compared as sets of pairs of tissue patches."""
    grid = np.concatenate([tissue(), tissue(seed=5) + np.array([SECOND_PIECE, 2])])
    x = np.random.default_rng(2).normal(size=(len(grid), 6)).astype(np.float32)
    exports(tmp_path, grid, x)
    patch = {row.tobytes(): number for number, row in enumerate(x)}
    found = {}
    for name in ("at20", "at40", "clam", "stamp"):
        features = read_features(tmp_path / f"{name}.h5")
        rows = [patch[row.tobytes()] for row in features.x]
        graph = to_graph(features, builder)
        assert sorted(rows) == list(range(len(x)))
        assert graph.card().step_confidence == 1.0
        found[name] = {(rows[a], rows[b]) for a, b in graph.edge_index.T.tolist()}
    assert found["at20"] == found["at40"] == found["clam"] == found["stamp"]
    assert len(found["at20"]) > 4 * len(x)
