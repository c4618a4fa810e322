"""Made-up slides of any size as graphs: random features on a square lattice, numbers only (synthetic)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.window import Window
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.models.mil_model import MILModel
from wsigraph.objectives.objectives import Objectives
from wsigraph.training.recipe import recipe

STEP = 256


def slide(num_patches: int, channels: int) -> SpatialGraph:
    """A slide in half precision, as files hold it; 5 x 5 window and self-loops, rows in reading order."""
    side = math.ceil(math.sqrt(num_patches))
    place = np.arange(num_patches)
    coords = np.stack([place % side, place // side], axis=1) * STEP
    rng = np.random.default_rng(0)
    x = np.empty((num_patches, channels), np.float16)
    for begin in range(0, num_patches, 65_536):
        x[begin : begin + 65_536] = rng.standard_normal(x[begin : begin + 65_536].shape, dtype=np.float32)
    features = PatchFeatures(
        "made up", x, coords, patch_size_level0=STEP, patch_px=STEP, step_level0=STEP, mpp=0.5
    )
    return with_self_loops(to_graph(features, Window(rings=2)))


def network(name: str, channels: int) -> tuple[MILModel, Objectives]:
    """A recipe's model and loss, two classes."""
    return recipe(name, in_channels=channels, classes=["normal", "tumour"]).build()


def training_step(model: MILModel, objectives: Objectives, graph: SpatialGraph) -> Callable[[], None]:
    """One step in train mode: forward, backward, AdamW."""
    model.train()
    objectives.train()
    parameters = [*model.parameters(), *objectives.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=5e-4, weight_decay=1e-5, fused=True)
    target = torch.tensor([1])

    def step() -> None:
        optimiser.zero_grad()
        objectives(model, graph, target=target).total.backward()
        optimiser.step()

    return step
