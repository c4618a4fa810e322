"""Room on a disk."""

from __future__ import annotations

import shutil
from pathlib import Path


def free_bytes(path: Path) -> int:
    """Free bytes of the disk that a path lies on, or will lie on."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def bytes_of(path: Path) -> int:
    """Size of a file, or of all files in a folder; 0 where there is nothing."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else 0


def newest_change(path: Path) -> int:
    """When a file, or the latest changed file of a folder, was changed, in nanoseconds."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return max((file.stat().st_mtime_ns for file in files), default=0)
