"""Memory of the machine."""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO, OWN = Path("/proc/meminfo"), Path("/proc/self")


def total_memory() -> int | None:
    """Bytes of memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def free_memory() -> int | None:
    """Bytes that a new process could use without swapping; None where the system does not say."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    words = values.get("MemAvailable", "").split()
    return int(words[0]) * 1024 if words and words[0].isdigit() else None


def forget_peak(process: Path = OWN) -> int | None:
    """Let the kernel forget the highest memory of this process so far; bytes it holds now.

    None where the system cannot do so: then ``peak_memory`` tells of the whole life of the process.
    """
    try:
        (process / "clear_refs").write_text("5", encoding="ascii")  # 5 resets VmHWM, see proc(5)
    except OSError:
        return None
    return _status(process, "VmRSS")


def peak_memory(process: Path = OWN) -> int | None:
    """Most bytes that this process held at once since ``forget_peak``; None where the system does not say."""
    return _status(process, "VmHWM")


def _status(process: Path, entry: str) -> int | None:
    try:
        lines = (process / "status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    words = [line.split() for line in lines if line.startswith(f"{entry}:")]
    return int(words[0][1]) * 1024 if words else None
