"""Feature files that no tool would write: every type and shape, lies about sizes, programs to unpickle."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsigraph.errors import FeatureFileError, WsigraphError
from wsigraph.graph.build import to_graph
from wsigraph.io.features import read_features

ODD = ["<f2", "<f4", ">f4", "<f8", "i1", "<i4", ">i8", "<u8", "?", "<c8", "S3", "<U2", "<M8[s]"]
SHAPES = st.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    st.sampled_from([(6, 2), (6, 3), (1, 6, 3), (6,), (0, 2), (2, 6)]),
)
ARRAYS = st.sampled_from(ODD).flatmap(
    lambda kind: SHAPES.flatmap(lambda shape: hnp.arrays(kind, shape, fill=st.just(np.zeros((), kind)[()])))
)


def write_npz(folder, x, coords):
    np.savez(folder / "s.npz", features=x, coords=coords)
    return folder / "s.npz"


def write_npy(folder, x, coords):
    for name, values in (("features", x), ("coords", coords)):
        (folder / name).mkdir(exist_ok=True)
        np.save(folder / name / "s.npy", values)
    return folder / "features" / "s.npy"


def write_hdf5(folder, x, coords, name="features"):
    with h5py.File(folder / "s.h5", "w") as file:
        file[name], file["coords"] = x, coords
    return folder / "s.h5"


def write_stamp(folder, x, coords):
    write_hdf5(folder, x, coords, "feats")
    with h5py.File(folder / "s.h5", "r+") as file:
        file.attrs.update({"tile_size_um": 256.0, "tile_size_px": 224})
    return folder / "s.h5"


def write_torch(folder, x, coords):
    pair = {"features": torch.from_numpy(np.array(x)), "coords": torch.from_numpy(np.array(coords))}
    torch.save(pair, folder / "s.pt")
    return folder / "s.pt"


def write_zarr(folder, x, coords):
    for name, values in (("X", x), ("obsm/spatial", coords)):
        place = folder / "s.zarr" / name
        place.mkdir(parents=True, exist_ok=True)
        about = {"shape": values.shape, "chunks": values.shape, "dtype": values.dtype.str, "compressor": None}
        (place / ".zarray").write_text(json.dumps(about), encoding="utf-8")
        (place / ".".join("0" * max(1, values.ndim))).write_bytes(values.tobytes())
    (folder / "s.zarr" / ".zgroup").write_text("{}", encoding="utf-8")
    return folder / "s.zarr"


def write_csv(folder, x, coords):
    table = np.concatenate([coords.reshape(len(coords), -1), x.reshape(len(coords), -1)], axis=1).tolist()
    names = ["x", "y", *(f"f{i}" for i in range(len(table[0]) - 2))]
    lines = [",".join(map(str, row)) for row in (names, *table)]
    (folder / "s.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "s.csv"


def assert_read_or_refused(path):
    """Reads and builds, or raises an error of ours."""
    with contextlib.suppress(WsigraphError):
        features = read_features(path)
        assert features.x.ndim == 2
        assert features.coords.shape in ((len(features), 2), (0, 2))
        assert np.isfinite(features.x).all()
        if features.has_coords:
            to_graph(features)


@pytest.mark.parametrize(
    "write", [write_npz, write_npy, write_hdf5, write_stamp, write_torch, write_zarr, write_csv]
)
def test_every_type_and_shape(write, tmp_path, tried, watched, bounded):
    @tried(0.5)
    @given(ARRAYS, ARRAYS)
    def check(x, coords):
        watched()
        try:
            path = write(tmp_path, x, coords)
        except (TypeError, ValueError, IndexError):  # what the writer cannot write
            return
        assert_read_or_refused(path)

    check()


def pt_file(path, description, **storages):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s/data.pkl", description)
        for key, content in storages.items():
            archive.writestr(f"s/data/{key[1:]}", content)
    return path


INSTRUCTIONS = [
    *(bytes([code]) for code in b"NQR)(.tsuea\x85\x86\x87\x88\x89]}01\x94"),
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nFloatStorage\n",
    b"ccollections\nOrderedDict\n",
    b"cos\nsystem\n",
    b"X\x07\x00\x00\x00storage",
    b"X\x01\x00\x00\x000",
    b"X\x08\x00\x00\x00features",
    b"K\x04",
    b"M\xff\xff",
    b"J\xff\xff\xff\xff",
    b"\x8a\x08" + b"\xff" * 8,
    b"\x8a\x07" + b"\x7f" * 7,
    b"r\xff\xff\xff\xff",
    b"j\x00\x00\x00\x00",
    b"q\x00",
    b"h\x00",
    b"\x8d" + b"\xff" * 8,
    b"\x8b\xff\xff\xff\x7f",
    b"B\xff\xff\xff\xff",
    b"I" + b"9" * 5000 + b"\n",
]


def test_programs_for_an_unpickler_are_never_run(tmp_path, tried, watched, bounded, monkeypatch):
    ran = []
    for name in ("os.system", "pickle.loads", "pickle.load", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, lambda *a, **k: ran.append(a))

    @tried(3)
    @given(st.lists(st.sampled_from(INSTRUCTIONS), max_size=24))
    def check(program):
        watched()
        assert_read_or_refused(
            pt_file(tmp_path / "s.pt", b"\x80\x02" + b"".join(program) + b".", _0=bytes(64))
        )

    check()
    assert not ran


class Runs:
    """Would make a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_that_would_act_does_not(tmp_path):
    for name, content in (("s.pt", pickle.dumps(Runs(tmp_path / "made"), 2)), ("t.pt", b"")):
        if name == "s.pt":
            pt_file(tmp_path / name, content)
        else:
            (tmp_path / name).write_bytes(pickle.dumps(Runs(tmp_path / "made"), 4))
        with pytest.raises(FeatureFileError, match="never loaded"):
            read_features(tmp_path / name)
    np.savez(tmp_path / "s.npz", features=np.array([Runs(tmp_path / "made")]), coords=np.zeros((1, 2)))
    with pytest.raises(FeatureFileError, match=r"array of numbers, got dtype '\|O'"):
        read_features(tmp_path / "s.npz")
    assert not (tmp_path / "made").exists()


def tensor_of(size, stride, *, offset=0, numbers=4):
    """The description that torch would write of a tensor in a storage of four numbers."""

    def whole(value):
        return b"\x8a\x08" + struct.pack("<q", value)

    def many(values):
        return b"(" + b"".join(map(whole, values)) + b"t"

    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    head = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + whole(numbers) + b"tQ"
    return head + whole(offset) + many(size) + many(stride) + b"\x89ccollections\nOrderedDict\n)RtR."


@pytest.mark.parametrize(
    "plan",
    [
        {"size": (2**40, 2), "stride": (2, 1)},
        {"size": (2**31, 2**31), "stride": (0, 0)},
        {"size": (2, 2), "stride": (2, 1), "offset": 1},
        {"size": (2, 2), "stride": (2**61, 1)},
        {"size": (2, 2), "stride": (2,)},
        {"size": (2, 2), "stride": (-2, 1)},
        {"size": (2, 2), "stride": (2, 1), "numbers": 2**40},
    ],
)
def test_tensors_that_leave_their_storage(tmp_path, plan, bounded):
    pt_file(tmp_path / "sound.pt", tensor_of((2, 2), (2, 1)), _0=np.arange(4, dtype="<f4").tobytes())
    assert read_features(tmp_path / "sound.pt").x.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    pt_file(tmp_path / "s.pt", tensor_of(**plan), _0=bytes(16))
    with pytest.raises(FeatureFileError, match=r"s\.pt'"):
        read_features(tmp_path / "s.pt")


def test_sizes_that_archives_declare(tmp_path, bounded):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 1024)}
    )
    (tmp_path / "s.npy").write_bytes(header.getvalue() + bytes(64))
    with pytest.raises(FeatureFileError, match=r"4,096,000,000,000 bytes of shape"):
        read_features(tmp_path / "s.npy")
    np.savez_compressed(tmp_path / "s.npz", features=np.zeros((1000, 100)), coords=np.zeros((1000, 2)))
    content = bytearray((tmp_path / "s.npz").read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.index(mark)
        content[at + place : at + place + 4] = struct.pack("<I", 2**32 - 2)
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(FeatureFileError, match=r"4,294,967,294 bytes it declares"):
        read_features(tmp_path / "s.npz")
    np.savez(tmp_path / "t.npz", features=np.zeros(10), coords=np.zeros((10, 2)))
    content = (tmp_path / "t.npz").read_bytes().replace(b"'shape': (10,)", b"'shape': (99,)")
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(FeatureFileError, match=r"t\.npz'"):
        read_features(tmp_path / "t.npz")
