"""What a grid will cost, before it is paid: two short epochs of every method, times its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from wsigraph.pipelines.benchmark.cell_fit import Workshop
from wsigraph.pipelines.benchmark.clock import Clock
from wsigraph.pipelines.benchmark.grid import Cell
from wsigraph.pipelines.reporter import Reporter

LABEL = "Timing one epoch of each method"


def reckon(clock: Clock, pending: Sequence[Cell], workshop: Workshop, *, reporter: Reporter) -> None:
    """Tell the clock what to expect of methods of which no cell is finished.

    An epoch times the epochs planned: more than a cell takes that stops early. A method that fails here is
    passed over; its cells will say why.

    Args:
        clock: Is told.
        pending: Cells to train.
        workshop: Trains the epochs.
        reporter: Hears of the progress.
    """
    first = {cell.kind: cell for cell in reversed(pending) if not clock.knows(cell.kind)}
    reporter.start(LABEL, len(first))
    for kind, cell in reversed(first.items()):
        with suppress(Exception):
            clock.expect(kind, workshop.epoch_seconds(cell) * cell.arm.recipe.optimiser.epochs)
        reporter.advance(LABEL)
    reporter.finish(LABEL)
