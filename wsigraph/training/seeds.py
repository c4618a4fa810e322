"""Random draws that depend on (seed, epoch, step) alone, so that resumed equals uninterrupted."""

from __future__ import annotations

import hashlib

import torch


def mix(*parts: int | str) -> int:
    """One 63-bit seed from several numbers or words, the same on every platform."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def seed_draws(seed: int) -> None:
    """Seed the generators of the CPU and of the devices that are here: the numbers of ``torch.manual_seed``.

    That one also keeps a call, with its stack as text, for every kind of device that is not here, at each
    step anew: a tenth of the time of a step on a small slide, and memory that is never given back.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
