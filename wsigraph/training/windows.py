"""Training on a window of each large slide, drawn anew in every epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Dataset, Sampler

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.spatial_window import spatial_window
from wsigraph.training.sampler import EpochShuffle
from wsigraph.training.seeds import mix


class Windows(Dataset[SpatialGraph]):
    """Slides of which only a spatially coherent part is given, another one in each epoch.

    The window lies around a patch drawn from (seed, epoch, slide), whichever process loads it, so that a
    resumed run sees the same windows. Each patch is as likely as any other to be the middle.

    Args:
        graphs: A map-style dataset of whole slides.
        size: Patches of a window; slides of no more come whole.
        seed: Seed of the run.
    """

    def __init__(self, graphs: Dataset[SpatialGraph], *, size: int, seed: int) -> None:
        self.graphs, self.size, self.seed = graphs, size, seed

    def __len__(self) -> int:
        return len(self.graphs)  # type: ignore[arg-type]

    def __getitem__(self, key: tuple[int, int]) -> SpatialGraph:
        """The window of slide ``key[1]`` in epoch ``key[0]``."""
        epoch, index = key
        graph = self.graphs[index]
        assert graph.x is not None
        generator = torch.Generator().manual_seed(mix(self.seed, "window", epoch, index))
        middle = int(torch.randint(graph.x.shape[0], (1,), generator=generator))
        return spatial_window(graph, middle, self.size)


class WindowShuffle(Sampler[tuple[int, int]]):
    """The order of ``EpochShuffle``, each slide with the epoch it is asked for in.

    The epoch travels with the slide because loader processes do not hear of it otherwise.

    Args:
        num_slides: Number of slides.
        seed: Seed of the run.
    """

    def __init__(self, num_slides: int, *, seed: int) -> None:
        self.order = EpochShuffle(num_slides, seed=seed)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the windows of ``epoch``."""
        self.order.set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch = self.order.epoch
        return iter([(epoch, index) for index in self.order])

    def __len__(self) -> int:
        return len(self.order)
