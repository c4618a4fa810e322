"""Training on a window of each large slide, drawn anew in every epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Dataset, Sampler

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.spatial_window import spatial_window
from wsigraph.training.samplers.steps import EpochSteps
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


class WindowSteps(Sampler[list[tuple[int, int]]]):
    """The same steps, each slide with the epoch it is asked for in.

    The epoch travels with the slide because loader processes do not hear of it otherwise. A slide that
    stands twice in an epoch shows the same window twice.

    Args:
        steps: Which slides stand in each step.
    """

    def __init__(self, steps: EpochSteps) -> None:
        self.sampler = steps  # where Lightning looks for ``set_epoch``

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self.sampler.epoch
        return iter([[(epoch, slide) for slide in step] for step in self.sampler])

    def __len__(self) -> int:
        return len(self.sampler)
