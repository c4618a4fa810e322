"""Feature files as each tool lays them out, written here as the tool writes them."""

from __future__ import annotations

import math
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from wsigraph.data.graph_card import NO_COORDINATES
from wsigraph.data.patch_features import PatchFeatures, on_level0
from wsigraph.errors import FeatureError, FeatureFileError, GraphError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.edgeless import Edgeless
from wsigraph.io.features import features_hash, read_features, write_features
from wsigraph.io.features.format import NO_COORDS

RNG = np.random.default_rng(0)
GRID = np.stack(np.meshgrid(np.arange(6), np.arange(5)), axis=-1).reshape(-1, 2)
GRID = RNG.permutation(GRID[RNG.random(len(GRID)) > 0.2])
X = RNG.normal(size=(len(GRID), 5)).astype(np.float32)


def place(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_h5(path, attributes=None, **datasets):
    with h5py.File(place(path), "w") as file:
        for name, values in datasets.items():
            file[name] = values
        file.attrs.update(attributes or {})
    return path


def neighbours(features):
    """Edges by place on the grid, whatever the order of rows."""
    graph = to_graph(features)
    places = np.rint((features.coords - features.coords.min(0)) / graph.step).astype(int)
    cells = [tuple(place) for place in places.tolist()]
    return {(cells[a], cells[b]) for a, b in graph.edge_index.T.tolist()}


def wanted():
    """King's moves and what else keeping ties of eight neighbours gives: of the plain grid itself."""
    return neighbours(PatchFeatures("s", X, GRID * 256, step_level0=256.0))


def stands(features, coords, source):
    assert features.source == source
    assert features.x.flags.writeable
    assert features.coords.flags.writeable
    assert np.array_equal(features.x, X)
    assert np.array_equal(features.coords, coords)
    assert neighbours(features) == wanted()


def test_clam_pt_files_are_joined_to_patches_by_row(tmp_path):
    pt = place(tmp_path / "pt_files" / "s.pt")
    torch.save(torch.from_numpy(X), pt)
    write_h5(tmp_path / "patches" / "s.h5", coords=GRID * 512)
    with h5py.File(tmp_path / "patches" / "s.h5", "r+") as file:
        file["coords"].attrs.update({"patch_size": 256, "patch_level": 1, "downsample": np.array([2.0, 2.0])})
    features = read_features(pt)
    stands(features, GRID * 512, "clam_pt")
    assert (features.patch_size_level0, features.patch_px, features.step_level0) == (512.0, 256, 512.0)
    assert math.isnan(features.mpp)
    write_h5(tmp_path / "patches" / "s.h5", coords=GRID[:-1] * 512)
    with pytest.raises(
        FeatureFileError, match=rf"expected {len(X)} coordinates in .*patches.s\.h5.*{len(X) - 1}"
    ):
        read_features(pt)


def test_stamp_in_um_becomes_pixels_of_known_size(tmp_path):
    about = {
        "unit": "um",
        "tile_size_um": 256.0,
        "tile_size_px": 224,
        "extractor": "uni",
        "feat_type": "tile",
    }
    path = write_h5(tmp_path / "s.h5", about, feats=X.astype(np.float16), coords=GRID * 256.0)
    features = read_features(path)
    assert features.source == "stamp"
    assert np.array_equal(features.x, X.astype(np.float16))
    assert np.array_equal(features.coords, GRID * 224)
    assert features.mpp == features.target_mpp == 256 / 224
    assert (features.patch_px, features.step_level0, features.level0_known) == (224, 224.0, False)
    assert to_graph(features).card().step_confidence == 1.0
    assert neighbours(features) == wanted()
    # pixels under attributes in um contradict each other
    path = write_h5(tmp_path / "t.h5", about, feats=X, coords=GRID * 1024)
    with pytest.raises(FeatureFileError, match="steps of the tile of 256 um, got steps of 1024"):
        read_features(path)
    path = write_h5(tmp_path / "u.h5", {"tile_size_um": 256.0}, feats=X, coords=GRID * 256.0)
    with pytest.raises(FeatureFileError, match="'tile_size_px' beside 'tile_size_um'"):
        read_features(path)


def test_stamp_without_attributes_says_how_sure_the_unit_is(tmp_path):
    features = read_features(write_h5(tmp_path / "s.h5", feats=X, coords=GRID * 512))
    stands(features, GRID * 512, "stamp")
    assert math.isnan(features.mpp)
    assert "taken as pixels: they step by 512 (confidence 1.00)" in features.notes[0]
    points = RNG.integers(0, 10**6, (len(X), 2))
    features = read_features(write_h5(tmp_path / "p.h5", feats=X, coords=points))
    assert "unit of the coordinates unknown, taken as pixels (confidence 0" in features.notes[0]
    with pytest.raises(FeatureError, match="whole level-0 pixels"):
        read_features(write_h5(tmp_path / "f.h5", feats=X, coords=GRID * 0.3))


@pytest.mark.real
def test_real_files_of_another_group(real_data):
    folder = real_data / "mopadi_features"
    features = read_features(folder / "TCGA-AD-6964-01Z-00-DX1.h5")
    assert (features.source, features.x.shape) == ("stamp", (777, 512))
    assert "they step by 512 (confidence 1.00)" in features.notes[0]
    card = to_graph(features).card()
    assert (card.step, card.step_confidence, card.duplicates) == (512.0, 1.0, 0)
    assert card.isolated <= 0.05 * card.num_nodes
    bare = read_features(folder / "TCGA-3X-AAVA-01Z-00-DX1.h5")
    assert (bare.source, bare.x.shape, bare.has_coords) == ("bare", (180, 512), False)
    with pytest.raises(GraphError, match=r"'TCGA-3X-AAVA-01Z-00-DX1'.*coordinates of 180 patches"):
        to_graph(bare)


def test_torchmil_folders_of_arrays_and_of_hdf5(tmp_path):
    for name, values in (("features", X), ("coords", GRID * 512), ("labels", np.array([1]))):
        np.save(place(tmp_path / name / "s.npy"), values)
    features = read_features(tmp_path / "features" / "s.npy")
    stands(features, GRID * 512, "torchmil")
    assert features.step_level0 == 512.0
    (tmp_path / "coords" / "s.npy").unlink()
    assert not read_features(tmp_path / "features" / "s.npy").has_coords
    for name, values in (("features", X), ("coords", GRID * 512)):
        write_h5(tmp_path / "h" / name / "s.h5", **{name: values})
    stands(read_features(tmp_path / "h" / "features" / "s.h5"), GRID * 512, "torchmil_h5")


def test_slideflow_centres_become_corners(tmp_path):
    torch.save(torch.from_numpy(X), tmp_path / "s.pt")
    np.savez(tmp_path / "s.index.npz", GRID * 512 + 256)
    features = read_features(tmp_path / "s.pt")
    stands(features, GRID * 512, "slideflow")
    assert (features.slide_id, features.patch_size_level0) == ("s", 512.0)
    assert np.array_equal(to_graph(features).pos, GRID * 512 + 256)
    points = np.random.default_rng(1).integers(0, 10**6, (len(X), 2))
    np.savez(tmp_path / "s.index.npz", points)
    assert np.array_equal(to_graph(read_features(tmp_path / "s.pt")).pos, points)


def test_gtp_places_are_tiles(tmp_path):
    folder = tmp_path / "slide_1"
    torch.save(torch.from_numpy(X), place(folder / "features.pt"))
    torch.save(torch.zeros(len(X), len(X)), folder / "adj_s.pt")
    (folder / "c_idx.txt").write_text("".join(f"{x}_{y}.jpeg\n" for x, y in GRID), encoding="utf-8")
    features = read_features(folder)
    stands(features, GRID, "gtp")
    assert (features.slide_id, features.step_level0) == ("slide_1", 1.0)
    (folder / "c_idx.txt").write_text("3_4.jpeg\n../../etc\n", encoding="utf-8")
    with pytest.raises(FeatureFileError, match=r"lines 'x_y\.jpeg' in 'c_idx\.txt', got '\.\./\.\./etc'"):
        read_features(folder)


def test_npz_pt_and_csv_of_one_slide_are_one_graph(tmp_path):
    facts = {"patch_size_level0": 512, "step_level0": 512.0, "mpp": 0.25}
    np.savez_compressed(tmp_path / "a.npz", features=X, coords=GRID * 512, **facts)
    named = {"features": torch.from_numpy(X), "coords": torch.from_numpy(GRID * 512)}
    torch.save(named | {k: torch.tensor(v) for k, v in facts.items()}, tmp_path / "a.pt")
    for path in (tmp_path / "a.npz", tmp_path / "a.pt"):
        features = read_features(path)
        stands(features, GRID * 512, path.suffix[1:])
        assert (features.patch_size_level0, features.step_level0, features.mpp) == (512.0, 512.0, 0.25)
    table = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    table.insert(0, "x", GRID[:, 0] * 512)
    table.insert(3, "y", GRID[:, 1] * 512)
    table.to_csv(tmp_path / "a.csv", index=False)
    stands(read_features(tmp_path / "a.csv"), GRID * 512, "csv")


def test_every_layout_has_a_hash_of_its_own_content(tmp_path):
    other = X + 1
    for name, x in (("a", X), ("b", X), ("c", other)):
        write_h5(tmp_path / f"{name}.h5", feats=x, coords=GRID)
        torch.save(torch.from_numpy(x), tmp_path / f"{name}.pt")
    for suffix in (".h5", ".pt"):
        first, same, different = (features_hash(tmp_path / f"{name}{suffix}") for name in "abc")
        assert first == same != different


def test_without_coordinates_set_models_work_and_graph_builders_say_why_not(tmp_path):
    path = place(tmp_path / "slide_7.pt")
    torch.save(torch.from_numpy(X), path)
    features = read_features(path)
    assert (features.source, features.has_coords, len(features)) == ("bare_pt", False, len(X))
    with pytest.raises(
        GraphError, match=r"slide 'slide_7'.*builder 'knn' joins by, got none.*use a set method"
    ):
        to_graph(features)
    graph = to_graph(features, Edgeless())
    assert graph.pos is None
    assert torch.equal(graph.x, torch.from_numpy(X))
    card = graph.card()
    assert (card.num_nodes, card.duplicates, card.warnings) == (len(X), 0, (NO_COORDINATES,))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("what", ["graph", "array", "object"])
def test_pickled_graphs_are_refused_with_the_way_to_convert_them(tmp_path, what, zipped):
    held = {"graph": Data(x=torch.from_numpy(X)), "array": {"x": X}, "object": torch.nn.Linear(2, 2)}[what]
    torch.save(held, tmp_path / "s.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(FeatureFileError, match=r"s\.pt'.*an object of .*never loaded.*torch\.save\("):
        read_features(tmp_path / "s.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_every_kind_are_read_as_torch_reads_them(tmp_path, zipped):
    """Zipped as since torch 1.6, and as the torch of CLAM's and GTP's time wrote them."""
    x = torch.from_numpy(X)
    for tensor in (x.half(), x.double(), x.bfloat16(), x.T.contiguous().T, torch.cat([x, x])[3 : 3 + len(x)]):
        torch.save(tensor, tmp_path / "s.pt", _use_new_zipfile_serialization=zipped)
        found = read_features(tmp_path / "s.pt").x
        assert np.array_equal(found.astype(np.float64), tensor.double().numpy())
    pair = {"coords": torch.from_numpy(GRID * 512), "features": x, "mpp": torch.tensor(0.25)}
    torch.save(pair, tmp_path / "s.pt", _use_new_zipfile_serialization=zipped)
    features = read_features(tmp_path / "s.pt")
    stands(features, GRID * 512, "pt")
    assert features.mpp == 0.25


def test_um_are_placed_on_the_slide_and_tiles_cannot_be(tmp_path):
    about = {"tile_size_um": 256.0, "tile_size_px": 224}
    path = write_h5(tmp_path / "s.h5", about, feats=X, coords=GRID * 256.0)
    features = read_features(path)
    write_features(tmp_path / "packed.h5", features)  # what is not known stays unknown in our own file
    packed = read_features(tmp_path / "packed.h5")
    assert not packed.level0_known
    placed = on_level0(packed, 0.2527)
    assert np.abs(placed.coords - GRID * 256 / 0.2527).max() <= 0.5
    assert (placed.mpp, placed.level0_known) == (0.2527, True)
    assert placed.patch_size_level0 == pytest.approx(256 / 0.2527)
    assert neighbours(placed) == wanted()
    assert on_level0(placed, 0.5) is placed
    for known, slide in ((features, math.nan), (replace(features, mpp=math.nan), 0.25)):
        with pytest.raises(FeatureError, match="coordinates of known length and a slide of known mpp"):
            on_level0(known, slide)


def test_features_without_coordinates_can_be_packed(tmp_path):
    write_features(tmp_path / "s.h5", PatchFeatures("s", X, NO_COORDS))
    back = read_features(tmp_path / "s.h5")
    assert (back.has_coords, back.level0_known) == (False, True)
    assert back.x.shape == X.shape
