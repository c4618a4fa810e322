"""The stages of a long job: each is done once, and what it made is known by its hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from wsigraph.errors import FeatureFileError, RunError, expected
from wsigraph.io.atomic import read_json, sha256, write_json
from wsigraph.io.features.writer import features_hash

LEDGER = "stages.json"
CHOSEN = "chosen.json"
"""Written when all stages are done: the round that answers, and its encoder."""


class Stages:
    """What is done in a folder.

    A stage is entered in ``stages.json`` after its files stand there whole, with a hash of each (of feature
    files the hash of their data). A job that was killed runs its stages again: those that are entered are not
    repeated, and their files must be as they were.

    Args:
        folder: The job's folder.

    Raises: RunError: if a file of a finished stage is gone or another.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / LEDGER
        self.done: dict[str, dict[str, str]] = read_json(self.file) if self.file.is_file() else {}
        for stage, files in self.done.items():
            self._check(stage, files)

    def run(self, stage: str, work: Callable[[], Iterable[Path]]) -> None:
        """Do a stage unless it is done.

        Args:
            stage: Its name.
            work: Does it and returns the files that it made, all of them in the folder.
        """
        if stage in self.done:
            return
        made = {path.relative_to(self.folder).as_posix(): hash_of(path) for path in work()}
        self.done = {**self.done, stage: made}
        write_json(self.file, self.done)

    def _check(self, stage: str, files: dict[str, str]) -> None:
        for name, digest in files.items():
            path = self.folder / name
            found = hash_of(path) if path.is_file() else "no file"
            if found != digest:
                raise RunError(
                    expected(
                        f"Stage '{stage}' of '{self.folder}'",
                        f"{name} as it was written ({digest[:12]})",
                        found[:12],
                        todo=f"Delete '{self.folder}' to begin it again.",
                    )
                )


def hash_of(path: Path) -> str:
    """Hash of a file; of a feature file that of its data, as the file states it."""
    if path.suffix != ".h5":
        return sha256(path)
    try:
        return features_hash(path)
    except FeatureFileError:
        return "a broken file"
