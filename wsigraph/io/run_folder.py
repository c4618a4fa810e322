"""Files of a run folder that several jobs touch."""

from __future__ import annotations

import shutil
from pathlib import Path

from wsigraph.io.atomic import atomic_path


def copy_fold(source: Path, target: Path) -> None:
    """Copy a finished fold, its predictions last, so that an interrupted copy does not count as done."""
    files = sorted((f for f in source.iterdir() if f.is_file()), key=lambda f: f.name == "predictions.csv")
    for file in files:
        with atomic_path(target / file.name) as temporary:
            shutil.copyfile(file, temporary)
