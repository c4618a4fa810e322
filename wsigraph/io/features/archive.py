"""Open a zip archive that a stranger may have written: its table of contents is checked before any member."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.guard import AGAIN, DEFLATE_LIMIT

ZIP_SIGNATURE = b"PK\x03\x04"
MOST_MEMBERS = 10_000
BROKEN = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
)
"""What ``zipfile`` raises on damaged archives."""


class GuardedZip:
    """An open archive, whose members are stored or deflated, unencrypted, and no larger than they can be.

    Args:
        path: The file, for error texts.
        file: Open archive.

    Raises: FeatureFileError: if a member is not.
    """

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path = path
        self.where = f"Feature file '{path}'"
        self._file = file
        members = file.infolist()
        if len(members) > MOST_MEMBERS:
            raise self.refuse(f"at most {MOST_MEMBERS} members", f"{len(members)}")
        size = path.stat().st_size
        if sum(member.compress_size for member in members) > size:
            raise self.refuse(f"members within the file's {size:,} bytes", "members that overlap")
        for member in members:
            self._check(member)
        self.members = {member.filename: member for member in members}

    def size(self, name: str) -> int:
        """Declared size of a member in bytes, which it can have."""
        return self.members[name].file_size

    def read(self, name: str) -> bytes:
        """All of one member; its checksum is compared.

        Raises: FeatureFileError: if there is none, or it is damaged.
        """
        if name not in self.members:
            raise self.refuse(f"a member '{name}'", f"{sorted(self.members)[:5]}")
        size = self.size(name)
        try:
            with self._file.open(name) as member:
                content = member.read(size + 1)
        except BROKEN as error:
            raise self.refuse(f"a whole member '{name}'", f"a damaged one ({error})") from error
        if len(content) != size:
            raise self.refuse(f"{size:,} bytes of '{name}'", f"{len(content):,}")
        return content

    def refuse(self, what: str, got: str, todo: str = AGAIN) -> FeatureFileError:
        """The error that names this file."""
        return FeatureFileError(expected(self.where, what, got, todo=todo))

    def _check(self, member: zipfile.ZipInfo) -> None:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            raise self.refuse("members stored or deflated", f"'{member.filename}', packed otherwise")
        ratio = 1 if member.compress_type == zipfile.ZIP_STORED else DEFLATE_LIMIT
        if member.file_size > ratio * member.compress_size:
            raise self.refuse(
                f"'{member.filename}' to hold the {member.file_size:,} bytes it declares",
                f"{member.compress_size:,} stored bytes",
            )


@contextmanager
def open_zip(path: Path) -> Iterator[GuardedZip]:
    """Open an archive for reading.

    Raises: FeatureFileError: if it is damaged or hostile.
    """
    try:
        with zipfile.ZipFile(path) as file:
            yield GuardedZip(path, file)
    except BROKEN as error:
        raise FeatureFileError(
            expected(f"Feature file '{path}'", "a whole zip archive", f"a damaged one ({error})", todo=AGAIN)
        ) from error
