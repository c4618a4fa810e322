"""One writer for every file: a file that stands at its name is whole."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp(\.[^.]+)?")  # as atomic_path names them


@contextmanager
def atomic_path(path: str | Path, *, verify: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success it becomes ``path``, on any error it goes.

    The order is: temporary name -> the caller writes and closes -> ``verify`` reopens -> fsync ->
    ``os.replace`` -> fsync of the folder. A kill at any moment leaves either the old file or the new.

    Args:
        path: Final name; its folder is made.
        verify: Called with the temporary path after writing; raises to refuse the file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=f".tmp{path.suffix}", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if verify is not None:
            verify(temporary)
        _sync(temporary)
        _give_normal_rights(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            told = f"{error.strerror}; free some and run the command again, finished work is kept"
            raise OSError(error.errno, told, str(path)) from error
        raise
    _sync_folder(path.parent)


def sweep(folder: str | Path) -> None:
    """Delete what killed writers left under temporary names, in a folder and in those below it.

    Args:
        folder: Where nobody else writes at the moment; need not exist.
    """
    for path in Path(folder).rglob(".*.tmp*"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` atomically as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` atomically as indented JSON; NaN becomes null, so any reader can parse it."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """``value`` as indented JSON that ends in a line break; NaN becomes null."""
    return json.dumps(_without_nan(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: str | Path) -> str:
    """Hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _give_normal_rights(path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
