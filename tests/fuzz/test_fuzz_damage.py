"""Damaged and hostile feature files of every layout end in the right data or in an error of ours.

Layouts without checksums (TRIDENT, STAMP, NumPy, CSV, zarr without one) cannot tell a changed number from a
right one, and nobody can: there the result must still be finite, of honest size, and give a graph or a
sentence. Layouts with checksums must give back what was written, or say what is wrong.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsigraph.errors import WsigraphError
from wsigraph.graph.build import to_graph
from wsigraph.io.features import read_features

HUGE = (b"999999999999", b"-1", b"4294967296", b"0", b"1e99", b"18446744073709551615")
JUNK = (
    b"\x00" * 64,
    b"\xff" * 64,
    b"A" * 300_000,
    b"9" * 70_000,
    b"\x80\x02cos\nsystem\n",
    b"../../",
    b'"',
    b"\n,,\n",
)


@dataclass(frozen=True)
class Damage:
    """One change to one file of a slide.

    Args:
        file: Which one.
        kind: What is done.
        content: The file afterwards; None where it is something other than a plain file.
    """

    file: str
    kind: str
    content: bytes | None = None

    def apply(self, folder: Path) -> None:
        """Do it below a folder."""
        path = folder / self.file
        path.unlink(missing_ok=True)
        if self.content is not None:
            path.write_bytes(self.content)
        elif self.kind == "link to itself":
            path.symlink_to(path)
        elif self.kind == "link to the folder":
            path.symlink_to(folder, target_is_directory=True)
        elif self.kind == "endless device":
            path.symlink_to("/dev/zero")
        elif self.kind == "pipe":
            os.mkfifo(path)
        elif self.kind == "folder":
            path.mkdir()

    def undo(self, folder: Path, content: bytes) -> None:
        """Put the sound file back."""
        path = folder / self.file
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        path.write_bytes(content)


NO_FILE = ("missing", "link to itself", "link to the folder", "endless device", "pipe", "folder")


@st.composite
def damages(draw: st.DrawFn, files: dict[str, bytes]) -> Damage:
    """A damage to one of these files: most flip, cut or replace bytes, some take the file itself away."""
    file = draw(st.sampled_from(sorted(files)))
    content = bytearray(files[file])
    kind = draw(
        st.sampled_from(["bits", "bytes", "cut", "insert", "repeat", "numbers", "tail", "zeros", "no file"])
    )
    if kind == "no file":
        return Damage(file, draw(st.sampled_from(NO_FILE)))
    place = st.integers(0, max(0, len(content) - 1))
    if kind == "bits":
        for at in draw(st.lists(place, min_size=1, max_size=4)):
            content[at : at + 1] = bytes(b ^ (1 << draw(st.integers(0, 7))) for b in content[at : at + 1])
    elif kind == "bytes":
        at, new = draw(place), draw(st.binary(min_size=1, max_size=16))
        content[at : at + len(new)] = new
    elif kind == "cut":
        del content[draw(place) :]
    elif kind == "tail":
        content += draw(st.sampled_from(JUNK))
    elif kind == "insert":
        at = draw(place)
        content[at:at] = draw(st.sampled_from(JUNK))
    elif kind == "zeros":
        at = draw(place)
        content[at : at + 512] = bytes(len(content[at : at + 512]))
    elif kind == "repeat":
        at, length = draw(place), draw(st.integers(1, 4096))
        content[at:at] = content[at : at + length]
    else:
        content = _other_number(draw, bytes(content))
    return Damage(file, kind, bytes(content))


def _other_number(draw: st.DrawFn, content: bytes) -> bytearray:
    """A number replaced: written out in text, or as eight bytes where there is none."""
    digits = [at for at, byte in enumerate(content) if 48 <= byte < 58]
    if len(digits) < 4:
        return bytearray(content)
    start = draw(st.sampled_from(digits))
    end = start
    while end < len(content) and 48 <= content[end] < 58:
        end += 1
    new = draw(st.sampled_from(HUGE))
    return bytearray(content[:start] + new + content[end:])


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


LARGEST = 2**24


def outcome(path):
    """Features, or None where an error of ours was raised; graphs are built from what was read."""
    try:
        features = read_features(path)
    except WsigraphError:
        return None
    assert features.x.dtype in (np.float16, np.float32)
    assert features.x.nbytes + features.coords.nbytes < LARGEST
    assert np.isfinite(features.x).all()
    if features.has_coords:
        try:
            graph = to_graph(features)
        except WsigraphError:
            return features
        assert graph.num_nodes == len(features)
        assert graph.edge_index.numel() == 0 or int(graph.edge_index.max()) < len(features)
    return features


@pytest.mark.skipif("sys.platform == 'win32'", reason="pipes and links are POSIX matters")
def test_damage_is_said_or_harmless(layout, tmp_path, tried, watched, bounded):
    layout.write(tmp_path)
    sound, files = read_features(tmp_path / layout.target), files_of(tmp_path)
    assert outcome(tmp_path / layout.target) is not None
    refused = []

    @tried()
    @given(damages(files))
    def check(damage: Damage) -> None:
        watched()
        damage.apply(tmp_path)
        try:
            found = outcome(tmp_path / layout.target)
        finally:
            damage.undo(tmp_path, files[damage.file])
        refused.append(found is None)
        if found is not None and layout.checked:
            assert np.array_equal(found.x, sound.x)
            assert not found.has_coords or np.array_equal(found.coords, sound.coords)

    check()
    assert sum(refused) > len(refused) / 5  # the damage is real
