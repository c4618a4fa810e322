"""A sound slide in every layout, and what guards the process that reads it damaged."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import write_features

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype(np.float32)
GRID = np.stack(np.meshgrid(np.arange(4), np.arange(3)), axis=-1).reshape(-1, 2).astype(np.int64) * 512


@dataclass(frozen=True)
class Layout:
    """How one tool writes the slide.

    Args:
        name: Of the case.
        target: What ``read_features`` is given, below the folder.
        write: Writes the files below a folder.
        checked: Whether every byte of the data is under a checksum, so that wrong data cannot pass.
    """

    name: str
    target: str
    write: Callable[[Path], None]
    checked: bool = False


def _h5(path: Path, root: dict | None = None, on_coords: dict | None = None, **datasets: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, options in datasets.items():
            file.create_dataset(name, **options)
        file.attrs.update(root or {})
        if on_coords:
            file["coords"].attrs.update(on_coords)


def _own(folder: Path) -> None:
    facts = {"patch_size_level0": 512.0, "step_level0": 512.0, "mpp": 0.25, "patch_px": 256}
    write_features(folder / "s.h5", PatchFeatures("s", X, GRID, **facts))


def _trident(folder: Path) -> None:
    facts = {"patch_size": 256, "patch_size_level0": 512, "overlap": 0, "name": "s", "savetodir": "None"}
    _h5(folder / "s.h5", on_coords=facts, features={"data": X, "chunks": (1, 4)}, coords={"data": GRID})


def _clam(folder: Path) -> None:
    packed = {"data": X, "chunks": (5, 4), "compression": "gzip", "shuffle": True, "maxshape": (None, 4)}
    _h5(folder / "h5_files" / "s.h5", features=packed, coords={"data": GRID, "compression": "lzf"})
    _clam_patches(folder)


def _clam_patches(folder: Path) -> None:
    facts = {"patch_size": 256, "patch_level": 1, "downsample": np.array([2.0, 2.0])}
    _h5(
        folder / "patches" / "s.h5",
        on_coords=facts,
        coords={"data": GRID, "maxshape": (None, 2), "chunks": (4, 2)},
    )


def _clam_pt(folder: Path) -> None:
    (folder / "pt_files").mkdir()
    torch.save(torch.from_numpy(X), folder / "pt_files" / "s.pt")
    _clam_patches(folder)


def _stamp(folder: Path) -> None:
    about = {"unit": "um", "tile_size_um": 256.0, "tile_size_px": 224, "extractor": "uni"}
    _h5(folder / "s.h5", about, feats={"data": X.astype(np.float16)}, coords={"data": GRID / 2.0})


def _stamp_old(folder: Path) -> None:
    _h5(folder / "s.h5", feats={"data": X}, coords={"data": GRID})


def _bare(folder: Path) -> None:
    _h5(folder / "s.h5", features={"data": X, "chunks": (4, 4), "fletcher32": True})


def _torchmil(folder: Path) -> None:
    for name, values in (("features", X), ("coords", GRID)):
        (folder / name).mkdir()
        np.save(folder / name / "s.npy", values)


def _torchmil_h5(folder: Path) -> None:
    _h5(folder / "features" / "s.h5", features={"data": X})
    _h5(folder / "coords" / "s.h5", coords={"data": GRID})


def _slideflow(folder: Path) -> None:
    torch.save(torch.from_numpy(X), folder / "s.pt")
    np.savez(folder / "s.index.npz", GRID + 256)


def _gtp(folder: Path) -> None:
    (folder / "s").mkdir()
    torch.save(torch.from_numpy(X), folder / "s" / "features.pt")
    lines = [f"{x // 512}_{y // 512}.jpeg\n" for x, y in GRID]
    (folder / "s" / "c_idx.txt").write_text("".join(lines), encoding="utf-8")


def _npz(folder: Path) -> None:
    np.savez(folder / "s.npz", features=X, coords=GRID, mpp=0.25)


def _npz_packed(folder: Path) -> None:
    np.savez_compressed(folder / "s.npz", features=X, coords=GRID, step_level0=512.0)


def _pt(folder: Path) -> None:
    torch.save({"features": torch.from_numpy(X).half(), "coords": torch.from_numpy(GRID)}, folder / "s.pt")


def _pt_old(folder: Path) -> None:
    pair = {"features": torch.from_numpy(X), "coords": torch.from_numpy(GRID)}
    torch.save(pair, folder / "s.pt", _use_new_zipfile_serialization=False)


def _csv(folder: Path) -> None:
    rows = [",".join(f"{v:.6g}" for v in (*place, *row)) for place, row in zip(GRID, X, strict=True)]
    (folder / "s.csv").write_text("x,y,f0,f1,f2,f3\n" + "\n".join(rows) + "\n", encoding="utf-8")


def _lazyslide(packer: str, zarr_format: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        import numcodecs
        import zarr

        root = zarr.open_group(folder / "s.zarr", mode="w", zarr_format=zarr_format)
        root.attrs.update({"slide_properties": {"mpp": 0.25}, "tile_spec": {"tiles": {"width": 256}}})
        table = root.create_group("tables/uni_tiles")
        new, old = (zarr.codecs, numcodecs)
        kinds = {
            "blosc": (new.BloscCodec, old.Blosc),
            "zstd": (new.ZstdCodec, old.Zstd),
            "gzip": (new.GzipCodec, old.GZip),
        }
        codec = kinds[packer][0 if zarr_format == 3 else 1]()
        table.create_array("X", data=X, chunks=(5, 4), compressors=codec)
        table.create_array("obsm/spatial", data=GRID, chunks=(12, 2), compressors=codec)

    return write


def _h5ad(folder: Path) -> None:
    _h5(folder / "s.h5ad", **{"X": {"data": X}, "obsm/spatial": {"data": GRID + 256.0}})
    with h5py.File(folder / "s.h5ad", "r+") as file:
        file["uns/wsigraph/patch_size"], file["uns/wsigraph/mpp"] = 512.0, 0.25


LAYOUTS = [
    Layout("wsigraph", "s.h5", _own, checked=True),
    Layout("trident", "s.h5", _trident),
    Layout("clam", "h5_files/s.h5", _clam),
    Layout("clam_pt", "pt_files/s.pt", _clam_pt),
    Layout("stamp", "s.h5", _stamp),
    Layout("stamp_old", "s.h5", _stamp_old),
    Layout("bare", "s.h5", _bare),
    Layout("torchmil", "features/s.npy", _torchmil),
    Layout("torchmil_h5", "features/s.h5", _torchmil_h5),
    Layout("slideflow", "s.pt", _slideflow, checked=True),
    Layout("gtp", "s", _gtp),
    Layout("npz", "s.npz", _npz, checked=True),
    Layout("npz_packed", "s.npz", _npz_packed, checked=True),
    Layout("pt", "s.pt", _pt, checked=True),
    Layout("pt_old", "s.pt", _pt_old),
    Layout("csv", "s.csv", _csv),
    Layout("h5ad", "s.h5ad", _h5ad),
    Layout("zarr2_blosc", "s.zarr", _lazyslide("blosc", 2)),
    Layout("zarr3_zstd", "s.zarr", _lazyslide("zstd", 3)),
    Layout("zarr3_gzip", "s.zarr", _lazyslide("gzip", 3)),
]


def pytest_generate_tests(metafunc):
    """A test that takes a ``layout`` runs for each."""
    if "layout" in metafunc.fixturenames:
        metafunc.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


CASES = int(os.environ.get("WSIGRAPH_FUZZ_CASES", "0"))
"""Cases for each layout; 0 for the same few in every run. ``make fuzz`` sets more, drawn anew."""
FEW = 160
LONGEST_CASE_S = 60
GROWTH = 2**28
"""Bytes by which memory may grow, whatever the files declare."""


@pytest.fixture(scope="session")
def tried():
    """Settings of hypothesis for a share of the cases of a layout."""

    def of(share: float = 1.0) -> settings:
        return settings(
            max_examples=max(1, round(share * (CASES or FEW))),
            derandomize=CASES == 0,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )

    return of


@pytest.fixture
def watched():
    """Call before each case: a case that hangs kills the process and names the line, wherever it hangs."""
    yield lambda: faulthandler.dump_traceback_later(LONGEST_CASE_S, exit=True)
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def bounded():
    """Memory may not grow by more than 256 MiB while the test runs."""
    before = peak()
    yield
    assert peak() - before < GROWTH


def peak() -> int:
    """Most memory that this process ever held, in bytes; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
