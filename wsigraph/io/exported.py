"""Programs of ``torch.export`` on disk, with what a reader must know beside them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path, json_text

FACTS = "wsigraph.json"
"""Name of the facts among the extra files of a program."""


def write_program(path: str | Path, program: torch.export.ExportedProgram, facts: Mapping[str, Any]) -> None:
    """Write a program and its facts; it is read back before it takes its name.

    Raises: RunError: if the name does not end in ``.pt2``.
    """
    path = Path(path)
    if path.suffix != ".pt2":
        raise RunError(expected(f"Export to '{path}'", "a file name that ends in .pt2", f"'{path.name}'"))
    with atomic_path(path, verify=_check_readable) as temporary:
        torch.export.save(program, temporary, extra_files={FACTS: json_text(dict(facts))})


def _check_readable(path: Path) -> None:
    found = {FACTS: ""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="torch")
        torch.export.load(path, extra_files=found)
    if not found[FACTS]:
        raise RunError(expected(f"Export to '{path}'", f"{FACTS} inside", "none"))
