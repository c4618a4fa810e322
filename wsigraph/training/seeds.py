"""Random draws that depend on (seed, epoch, step) alone, so that resumed equals uninterrupted."""

from __future__ import annotations

import hashlib


def mix(*parts: int | str) -> int:
    """One 63-bit seed from several numbers or words, the same on every platform."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
