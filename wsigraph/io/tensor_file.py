"""Tensors with a few plain values beside them, in one file that is whole or not there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path

_ABOUT = "wsigraph"


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], about: Any = None) -> None:
    """Write tensors as safetensors.

    Args:
        path: Where to.
        tensors: By name.
        about: JSON values kept with them.
    """
    from safetensors.torch import save_file

    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path, verify=_check) as temporary:
        save_file(held, temporary, {_ABOUT: json.dumps(about)})


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], Any]:
    """Read what :func:`write_tensors` wrote.

    Raises: RunError: if the file is missing, damaged or another's.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {})[_ABOUT])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (SafetensorError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(expected(f"File '{path}'", "whole tensors of wsigraph", reason)) from error


def _check(path: Path) -> None:
    read_tensors(path)
