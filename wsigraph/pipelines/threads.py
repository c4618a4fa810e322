"""How many threads torch may use while graphs are small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, and give it its threads back afterwards.

    Graphs of a few hundred patches gain nothing from more: threads then wait for each other, and on a busy
    machine that waiting takes most of the time.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
