"""Fill a grid: say what it costs and what it can show, then train every cell that is not there yet."""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wsigraph.evaluation.power import Detectable, detectable_difference, patient_sides
from wsigraph.io.atomic import read_json, write_json
from wsigraph.pipelines.benchmark.cell_fit import Workshop, graphs_of
from wsigraph.pipelines.benchmark.clock import Clock, spoken
from wsigraph.pipelines.benchmark.cost import reckon
from wsigraph.pipelines.benchmark.grid import WHOLE, Cell, Shard, cells_of
from wsigraph.pipelines.benchmark.plan import BenchmarkPlan
from wsigraph.pipelines.benchmark.ready import Ready, make_ready
from wsigraph.pipelines.benchmark.results import CELLS, FAILED, TRAINING
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.fit_loop import TrainerOptions

LABEL = "Training the benchmark's cells"


@dataclass(frozen=True)
class BenchmarkResult:
    """What one call did.

    Args:
        path: The benchmark's folder.
        cells: Names of all cells of the grid, those of other shards too.
        done: How many of them have a result now.
        failed: Reason by cell, for cells of this call that failed; called again they are tried again.
        detectable: By cohort of classes, the smallest difference of two AUCs that it could show.
    """

    path: Path
    cells: tuple[str, ...]
    done: int
    failed: dict[str, str]
    detectable: dict[str, Detectable]


def run_benchmark(
    plan: BenchmarkPlan,
    *,
    out: str | Path,
    shard: Shard = WHOLE,
    most: int | None = None,
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
) -> BenchmarkResult:
    """Train every missing cell of a grid, or those of one shard.

    Before anything trains, every slide is read, what cannot be answered is refused, and the reporter hears
    how many cells there are, what so many patients can show and, from one epoch of each method, how long
    they will take at most; the time that is left is told after each cell. A cell's result is one file, named
    by all it depends on and written when the cell is done: a killed call that is called again goes on where
    it was. A cell that fails is named with its reason, the rest goes on.

    Jobs that share a folder each take their own shard: no two may train one cell at once.

    Args:
        plan: The grid.
        out: Folder of results.
        shard: Which job of how many this is.
        most: Train at most so many cells; ``0`` only says what the whole would cost.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    Raises: CohortError: with one class, fewer patients than folds, or no slide left. RunError: if a method
        reads coordinates and slides have none. LeakError: if the folds leak. RecipeError: if a recipe cannot
        be built. OSError: if the disk is full.
    """
    out = Path(out)
    ready = [make_ready(contest, plan, reporter) for contest in plan.contests]
    cells = cells_of(plan, ready)
    pending = [cell for cell in shard.deal(cells) if not _result(out, cell).is_file()]
    shown = {one.contest.name: d for one in ready if (d := _detectable(one)) is not None}
    _announce(cells, pending, shown, shard=shard, reporter=reporter)
    workshop = Workshop(out / TRAINING, trainer, len({graphs_of(cell) for cell in pending}))
    clock = _clock(out, cells)
    reckon(clock, pending, workshop, reporter=reporter)
    if pending and not math.isnan(left := clock.left([cell.kind for cell in pending])):
        reporter.say(f"They will take at most about {spoken(left)}, less where training stops early.")
    failed = _train(pending[:most], pending, out, workshop, clock=clock, reporter=reporter)
    done = sum(_result(out, cell).is_file() for cell in cells)
    return BenchmarkResult(out, tuple(cell.name for cell in cells), done, failed, shown)


def _clock(out: Path, cells: Sequence[Cell]) -> Clock:
    """A clock that knows the cells that are finished."""
    clock = Clock()
    for cell in cells:
        if _result(out, cell).is_file() and (seconds := read_json(_result(out, cell))["seconds"]) is not None:
            clock.tell(cell.kind, seconds)
    return clock


def _train(
    cells: Sequence[Cell],
    pending: Sequence[Cell],
    out: Path,
    workshop: Workshop,
    *,
    clock: Clock,
    reporter: Reporter,
) -> dict[str, str]:
    """Reason by name, for cells that failed."""
    failed = dict[str, str]()
    reporter.start(LABEL, len(cells))
    for place, cell in enumerate(cells):
        try:
            record = workshop.record(cell)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise  # every other cell would fail too
            reason = f"{type(error).__name__}: {error}"
            failed[cell.name] = reason
            write_json(out / FAILED / f"{cell.name}.json", {**cell.facts, "reason": reason})
            reporter.say(f"cell {cell.name} failed: {reason}")
        else:
            write_json(_result(out, cell), record)
            workshop.clear(cell)
            if record["seconds"] is not None:
                clock.tell(cell.kind, record["seconds"])
            left = clock.left([other.kind for other in pending[place + 1 :]])
            told = "" if math.isnan(left) else f", about {spoken(left)} left"
            reporter.say(f"cell {place + 1} of {len(pending)} done: {cell.name}{told}")
        reporter.advance(LABEL)
    reporter.finish(LABEL)
    return failed


def read_failures(out: str | Path) -> dict[str, str]:
    """Reason by cell, for cells that failed and have no result since."""
    folder = Path(out) / FAILED
    files = [f for f in sorted(folder.glob("*.json")) if not (Path(out) / CELLS / f.name).is_file()]
    return {file.stem: read_json(file)["reason"] for file in files}


def _result(out: Path, cell: Cell) -> Path:
    return out / CELLS / f"{cell.name}.json"


def _detectable(ready: Ready) -> Detectable | None:
    """Of a cohort of classes; of three or more, the rarest against the others."""
    if not ready.cohort.task.one_class:
        return None
    positive, negative = patient_sides(ready.cohort.labels, ready.cohort.patients)
    return detectable_difference(positive, negative) if negative else None


def _announce(
    cells: Sequence[Cell],
    pending: Sequence[Cell],
    shown: dict[str, Detectable],
    *,
    shard: Shard,
    reporter: Reporter,
) -> None:
    mine = (
        "" if shard.count == 1 else f", {len(shard.deal(cells))} of them for job {shard.index}/{shard.count}"
    )
    reporter.say(f"{len(cells)} cells{mine}; {len(pending)} to train.")
    for name, one in shown.items():
        reporter.say(f"{name}: the smallest difference that would probably show is {one}.")
