"""Read splits, whoever wrote them: the layout is told from the content."""

from __future__ import annotations

from pathlib import Path

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.table import read_table
from wsigraph.io.splits.clam import clam_files, is_clam, read_clam
from wsigraph.io.splits.named import SplitSet
from wsigraph.io.splits.own import NAME, read_own
from wsigraph.io.splits.patho_bench import is_patho_bench, read_patho_bench


def read_splits(path: str | Path) -> SplitSet:
    """Read splits from a file or a folder.

    Known are our ``splits.json``, CLAM's ``splits_<k>.csv`` (a folder of them, or one) and Patho-Bench's
    table with columns ``slide_id`` and ``fold_<k>``. A folder is read by the first of these that it holds.
    Where two splits of one file test the same slide (random resamples), each becomes a repeat of its own.

    Args:
        path: The file or folder.

    Raises: CohortError: if there are none, or they cannot be read.
    """
    path = Path(path)
    return _checked(_of_folder(path) if path.is_dir() else _of_file(path)).resamples_apart()


def _of_file(path: Path) -> SplitSet:
    if path.suffix == ".json":
        return read_own(path)
    table = read_table(path)
    if is_patho_bench(table):
        return read_patho_bench(table)
    if is_clam(table):
        return read_clam([path], f"Splits '{path}'")
    what = "columns train, val and test, or slide_id and fold_0 and so on"
    raise CohortError(expected(f"Splits '{path}'", what, f"{list(table.header)}"))


def _of_folder(folder: Path) -> SplitSet:
    if (folder / NAME).is_file():
        return read_own(folder / NAME)
    files = clam_files(folder)
    if files:
        return read_clam(files, f"Splits '{folder}'")
    tables = sorted(folder.glob("*.tsv"))
    if len(tables) == 1:
        return read_patho_bench(read_table(tables[0]))
    what = f"{NAME}, splits_0.csv and so on, or one table of folds (.tsv)"
    raise CohortError(expected(f"Folder of splits '{folder}'", what, f"{len(tables)} tables"))


def _checked(found: SplitSet) -> SplitSet:
    """Refuse a slide on two sides of a split, splits without a side, and a fold that stands twice.

    Raises: CohortError: naming the fold.
    """
    places = sorted((split.repeat, split.fold) for split in found.splits)
    if not places or places != [(r, f) for r in range(found.repeats) for f in range(found.folds)]:
        raise CohortError(expected(found.where, "every fold of every repeat once", f"{places[:20]}"))
    for split in found.splits:
        where = f"{found.where}, fold {split.fold} of repeat {split.repeat}"
        if not split.train or not split.test:
            got = f"{len(split.train)} and {len(split.test)}"
            raise CohortError(expected(where, "slides to train on and to test", got))
        seen: dict[str, str] = {}
        for side, names in split.sides.items():
            for name in names:
                if name in seen:
                    got = f"'{name}' in {seen[name]} and {side}"
                    raise CohortError(expected(where, "every slide once", got))
                seen[name] = side
    return found
