"""A cross-validation as jobs of Slurm: one per fold, and one that joins them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsigraph.errors import RecipeError, expected
from wsigraph.io.atomic import write_text

OF_THE_FOLDS_ALONE = ("array", "gres", "gpus", "gpus-per-task", "gpus-per-node", "gpu-bind", "constraint")
"""Options of sbatch that the joining job does not take over: it computes little, and on no GPU."""


@dataclass(frozen=True)
class ArrayJob:
    """What is to be run, and with which resources.

    Args:
        words: Words of ``wsigraph train`` without ``--out`` and ``--fold``.
        out: The run folder; folds lie beside it, in ``<out>_folds``.
        folds: How many.
        program: What runs wsigraph, as words.
        folder: Where the jobs start: relative paths are read from here.
        setup: Lines of shell before each job (modules, an environment).
        sbatch: Options of sbatch for the folds, without dashes.
        sbatch_merge: Options that are others for the joining job.
    """

    words: Sequence[str]
    out: Path
    folds: int
    program: Sequence[str]
    folder: Path
    setup: Sequence[str] = ()
    sbatch: Mapping[str, str] = field(default_factory=dict)
    sbatch_merge: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Path:
        """Folder of the folds."""
        return self.out.with_name(f"{self.out.name}_folds")


def write_array_script(path: str | Path, job: ArrayJob) -> None:
    """Write a script that submits the folds as an array and, once all have ended well, the joining job.

    Raises: RecipeError: as ``array_script`` does.
    """
    write_text(path, array_script(job))


def array_script(job: ArrayJob) -> str:
    """The script as text; every word is quoted for the shell.

    Raises: RecipeError: if a word or an option of sbatch cannot stand on one line.
    """
    _check_lines(job)
    name = f"wsigraph-{job.out.name}"
    last = job.folds - 1
    train = f'{_quoted((*job.program, "train", *job.words))} \\\n  --fold "$SLURM_ARRAY_TASK_ID" --out '
    train += f'{_quoted([str(job.parts)])}/fold_"$SLURM_ARRAY_TASK_ID"'
    parts = [str(job.parts / f"fold_{fold}") for fold in range(job.folds)]
    merge = _quoted((*job.program, "merge", *parts, "--out", str(job.out)))
    common = {key: value for key, value in job.sbatch.items() if key not in OF_THE_FOLDS_ALONE}
    array = {
        "array": f"0-{last}",
        "job-name": name,
        "output": f"{_pattern(job.parts)}/fold_%a.log",
        **job.sbatch,
    }
    joined = {"job-name": f"{name}-merge", "output": f"{_pattern(job.parts)}/merge.log"}
    return "\n".join(
        (
            "#!/bin/bash",
            f"# {job.folds} folds as jobs of their own, then joined into {job.out}. Submit: bash THIS_FILE",
            "# Jobs that were killed go on where they were when the script is run again.",
            "set -euo pipefail",
            f"cd {_quoted([str(job.folder)])}",
            f"mkdir -p {_quoted([str(job.parts)])}",
            f"folds=$(sbatch --parsable {_options(array)} <<'END_OF_FOLD'",
            *_body(job, train),
            "END_OF_FOLD",
            ")",
            'merge=$(sbatch --parsable --dependency="afterok:${folds%%;*}" '
            f"{_options({**joined, **common, **job.sbatch_merge})} <<'END_OF_MERGE'",
            *_body(job, merge),
            "END_OF_MERGE",
            ")",
            'echo "folds: job ${folds%%;*}, merge: job ${merge%%;*}"',
            "",
        )
    )


def _body(job: ArrayJob, command: str) -> Iterable[str]:
    """One job: it fails where the command does, but not where some slides were left out (exit code 1)."""
    yield "#!/bin/bash\nset -e"
    yield from job.setup
    yield f'{command} || [ "$?" -eq 1 ]'


def _options(options: Mapping[str, str]) -> str:
    return _quoted(f"--{key}={value}" if value else f"--{key}" for key, value in options.items())


def _quoted(words: Iterable[str]) -> str:
    return " ".join(map(shlex.quote, words))


def _pattern(path: Path) -> str:
    """A path as Slurm writes names of files: a percent sign stands twice."""
    return str(path).replace("%", "%%")


def _check_lines(job: ArrayJob) -> None:
    options = (f"{key}={value}" for chosen in (job.sbatch, job.sbatch_merge) for key, value in chosen.items())
    for word in (*job.words, *job.setup, *options, str(job.out), str(job.folder)):
        if "\n" in word or "\r" in word:
            raise RecipeError(expected("Array script", "words of one line each", f"{word!r}"))
