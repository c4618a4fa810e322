"""A slide's features are found in the folder of any tool, or the places to choose from are named."""

from __future__ import annotations

import pytest

from wsigraph.errors import FeatureFileError, SeveralSetsError
from wsigraph.io.features import feature_files, find_features
from wsigraph.io.features.finder import files_at, slide_name


def lay(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def test_own_folder(tmp_path):
    lay(tmp_path, "B.h5", "A.svs.h5", "labels.csv", ".A.h5.x7a_9b2c.tmp.h5", "notes.txt")
    assert list(feature_files(tmp_path)) == ["A.svs", "B"]
    assert find_features(tmp_path, "B") == find_features(tmp_path, "B.svs") == tmp_path / "B.h5"
    assert find_features(tmp_path, "A.svs") == tmp_path / "A.svs.h5"
    for name in ("C", "", "../B", "labels", "."):
        assert find_features(tmp_path, name) is None, name


def test_a_trident_job_is_descended_where_one_set_lies_in_it(tmp_path):
    job = lay(
        tmp_path / "job",
        "20x_256px_0px_overlap/features_uni/A.h5",
        "20x_256px_0px_overlap/patches/A_patches.h5",
        "20x_256px_0px_overlap/slide_features_titan/A.h5",
        "thumbnails/A.jpg",
    )
    place = job / "20x_256px_0px_overlap" / "features_uni"
    assert feature_files(job) == feature_files(place.parent) == {"A": place / "A.h5"}
    assert find_features(job, "A.svs") == place / "A.h5"
    (place.parent / "features_conch").mkdir()  # a job that has only begun
    assert feature_files(job) == {"A": place / "A.h5"}
    lay(job, "10x_256px_0px_overlap/features_uni/A.h5")
    with pytest.raises(SeveralSetsError, match=r"expected one set of features, got 2: 10x_256px_0px_overlap"):
        feature_files(job)
    with pytest.raises(FeatureFileError, match=r"Name one of them: .*10x_256px_0px_overlap.features_uni"):
        find_features(job, "A")


def test_clam_prefers_the_files_with_coordinates(tmp_path):
    lay(tmp_path, "pt_files/A.pt", "patches/A.h5")
    (tmp_path / "h5_files").mkdir()
    assert feature_files(tmp_path) == {"A": tmp_path / "pt_files" / "A.pt"}
    lay(tmp_path, "h5_files/A.h5")
    assert feature_files(tmp_path) == {"A": tmp_path / "h5_files" / "A.h5"}


def test_torchmil_slideflow_gtp_and_zarr(tmp_path):
    torchmil = lay(tmp_path / "t", "features/A.npy", "coords/A.npy", "labels/A.npy")
    assert feature_files(torchmil) == {"A": torchmil / "features" / "A.npy"}
    slideflow = lay(tmp_path / "s", "A.pt", "A.index.npz", "B.pt", "B.index.npz")
    assert list(feature_files(slideflow)) == ["A", "B"]
    gtp = lay(tmp_path / "g", "A/features.pt", "A/adj_s.pt", "A/c_idx.txt", "other/readme.txt")
    assert feature_files(gtp) == {"A": gtp / "A"}
    assert find_features(gtp, "A") == gtp / "A"
    assert files_at(gtp / "A") == [gtp / "A"]
    zarr = lay(tmp_path / "z", "A.zarr/zarr.json")
    assert feature_files(zarr) == {"A": zarr / "A.zarr"}
    assert find_features(zarr, "A.svs") == zarr / "A.zarr"


def test_a_csv_counts_where_it_has_coordinates(tmp_path):
    (tmp_path / "labels.csv").write_text("slide_id,label\nA,0\n", encoding="utf-8")
    (tmp_path / "A.csv").write_text("x,y,f0\n0,0,1\n", encoding="utf-8")
    assert list(feature_files(tmp_path)) == ["A"]


def test_one_slide_of_several_kinds_is_one_slide(tmp_path):
    lay(tmp_path, "A.pt", "A.h5", "A.npz")
    assert feature_files(tmp_path) == {"A": tmp_path / "A.h5"}


def test_nothing_there(tmp_path):
    assert feature_files(tmp_path) == {}
    assert feature_files(tmp_path / "missing") == {}
    assert find_features(tmp_path / "missing", "A") is None


def test_names_of_slides():
    names = {"A.h5": "A", "A.svs.h5": "A.svs", "a/B.1.zarr": "B.1", "C": "C", ".h5": ".h5", "D.H5": "D"}
    assert {path: slide_name(path) for path in names} == names
