"""How many threads torch may use while graphs are small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 2000
"""Patches per slide below which a second thread waits longer than it works."""


@contextmanager
def threads_for(num_nodes: float) -> Iterator[None]:
    """Let torch compute small graphs in one thread, and give it its threads back afterwards.

    Graphs of a few hundred patches gain nothing from more: threads then wait for each other, and on a busy
    machine that waiting takes most of the time.

    Args:
        num_nodes: Patches of a usual slide.
    """
    before = torch.get_num_threads()
    if num_nodes < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
