"""Files of a run folder that several jobs touch."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Final

from wsigraph.io.atomic import atomic_path
from wsigraph.io.model_files import WEIGHTS

_LAST: Final = MappingProxyType({WEIGHTS: 1, "predictions.csv": 2})
"""Files that say a fold is done, in the order they are written."""


def copy_fold(source: Path, target: Path) -> None:
    """Copy a finished fold, its predictions last, so that an interrupted copy does not count as done."""
    files = sorted((f for f in source.iterdir() if f.is_file()), key=lambda f: _LAST.get(f.name, 0))
    for file in files:
        with atomic_path(target / file.name) as temporary:
            shutil.copyfile(file, temporary)
