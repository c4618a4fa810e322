"""Unpack one chunk of a zarr array, after its own header was held against what the chunk must be."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from wsigraph.errors import MissingExtraError, expected

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BLOSC_HEADER = 16


class ChunkError(Exception):
    """A chunk is damaged, or packed in a way that is not read."""


def unpack(content: bytes, codec: str, *, size: int) -> bytes:
    """The bytes of one chunk.

    Args:
        content: The chunk as stored.
        codec: ``"blosc"``, ``"zstd"``, ``"gzip"``, ``"zlib"`` or ``""``.
        size: Bytes that it must hold.

    Raises: ChunkError: if it declares or holds another number of bytes. MissingExtraError: if ``numcodecs``,
        of the extra ``scverse``, is needed and not there.
    """
    if codec not in UNPACKERS:
        raise ChunkError(f"compressor '{codec}', known are {[name for name in UNPACKERS if name]}")
    found = UNPACKERS[codec](content, size)
    if len(found) != size:
        raise ChunkError(f"{len(found):,} bytes where {size:,} belong")
    return found


def _plain(content: bytes, size: int) -> bytes:
    return content


def _deflated(content: bytes, size: int) -> bytes:
    worker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # the header of either zlib or gzip
    try:
        found = worker.decompress(content, size + 1)
    except zlib.error as error:
        raise ChunkError(str(error)) from error
    if not worker.eof:  # the checksum at the end was never reached
        raise ChunkError("a stream without its end")
    return found


def _blosc(content: bytes, size: int) -> bytes:
    declared, block, stored = (int.from_bytes(content[i : i + 4], "little") for i in (4, 8, 12))
    if len(content) < BLOSC_HEADER or declared != size or stored != len(content) or not 0 < block <= size:
        raise ChunkError(f"a header of {declared:,} bytes packed in {stored:,}, where {size:,} belong")
    return _decode("Blosc", content)


def _zstd(content: bytes, size: int) -> bytes:
    declared = zstd_size(content)
    if declared != size:
        raise ChunkError(f"a header of {declared} bytes where {size:,} belong")
    return _decode("Zstd", content)


def zstd_size(content: bytes) -> int | None:
    """Size that the header of a Zstandard frame declares, None where it declares none.

    Source: RFC 8878, section 3.1.1.1.
    """
    if content[:4] != ZSTD_MAGIC or len(content) < 6:
        return None
    flags = content[4]
    single = bool(flags & 0x20)
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    if not width or len(content) < start + width:
        return None
    return int.from_bytes(content[start : start + width], "little") + (256 if width == 2 else 0)


def _decode(name: str, content: bytes) -> bytes:
    try:
        import numcodecs
    except ImportError as error:
        raise MissingExtraError(
            expected(
                f"Compressor '{name}' of a zarr store",
                "the extra 'scverse'",
                "an installation without it",
                todo="pip install 'wsigraph[scverse]'.",
            )
        ) from error
    codec: Any = getattr(numcodecs, name)()
    try:
        return bytes(codec.decode(content))
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        raise ChunkError(str(error)) from error


UNPACKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "": _plain,
    "zlib": _deflated,
    "gzip": _deflated,
    "blosc": _blosc,
    "zstd": _zstd,
}
