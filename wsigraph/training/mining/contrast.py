"""Fine-tuning a patch network by supervised contrast of mined patches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wsigraph.errors import RunError, expected
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.objectives.patch_contrast import patch_contrast
from wsigraph.training.mining.batches import MinedBatches
from wsigraph.training.mining.pool import Pool
from wsigraph.training.mining.settings import MineSettings
from wsigraph.training.seeds import mix, seed_draws

Read = Callable[[np.ndarray], np.ndarray]
"""Entries of a pool ``[b]`` -> their raw patches ``[b, ...]``."""


@dataclass(frozen=True)
class EpochLog:
    """What one epoch of contrast came to.

    Args:
        epoch: Counted from 0 over all rounds.
        loss: Mean over its steps.
        steps: Number of steps.
        positives: Positive patches of its pool.
        negatives: Hard negatives of its pool.
        lr: Learning rate.
    """

    epoch: int
    loss: float
    steps: int
    positives: int
    negatives: int
    lr: float


class Contrast:
    """A patch network, the projection that the contrast reads, and their optimiser.

    Every random draw is a function of (seed, epoch, step), so that epochs may be run in one process or in
    several.

    Args:
        network: What is fine-tuned.
        settings: Optimiser, batches, temperature.
        seed: Seed of the run.
        device: Where it runs.

    Source: HNM-WSI (Huang et al. 2024), ItS2CLR (Liu et al. 2023); the projection, Khosla et al. 2020.
    """

    def __init__(
        self, network: PatchNetwork, settings: MineSettings, *, seed: int, device: str = "cpu"
    ) -> None:
        self.settings, self.seed, self.device = settings, seed, torch.device(device)
        width = network.out_channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mix(seed, "projection"))
            projection = nn.Sequential(
                nn.Linear(width, width), nn.ReLU(), nn.Linear(width, settings.projection_channels)
            )
        self.network, self.projection = network.to(self.device), projection.to(self.device)
        self.weights = [*self.network.parameters(), *self.projection.parameters()]
        self.optimiser = torch.optim.SGD(
            self.weights, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )

    def epoch(self, pool: Pool, read: Read, *, epoch: int) -> EpochLog:
        """Train for one epoch.

        Args:
            pool: Its patches.
            read: Gives raw patches of the pool.
            epoch: Counted from 0 over all rounds.

        Raises: CohortError: if the pool lacks positives or negatives. RunError: if the loss is not finite.
        """
        settings, lr = self.settings, self.rate(epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        negatives = len(pool) - pool.positives
        batches = MinedBatches(
            pool.positives,
            negatives,
            seed=mix(self.seed, "batches"),
            size=settings.batch,
            positive_share=settings.positive_share,
            steps=settings.steps,
        )
        batches.set_epoch(epoch)
        self.network.train()
        losses = []
        with torch.random.fork_rng(devices=[]):
            for step in range(len(batches)):
                seed_draws(mix(self.seed, "network", epoch, step))  # of dropout inside a network
                rows = np.array(batches.at(step))
                losses.append(self._step(read(rows), pool.label[rows], epoch=epoch, step=step))
        self.network.eval()
        return EpochLog(epoch, float(np.mean(losses)), len(batches), pool.positives, negatives, lr)

    def rate(self, epoch: int) -> float:
        """Learning rate of an epoch; the cosine stands for the whole epoch and is stepped once."""
        if self.settings.schedule == "constant":
            return self.settings.lr
        return self.settings.lr * (1.0 + math.cos(math.pi * epoch / self.settings.epochs)) / 2.0

    def _step(self, raw: np.ndarray, labels: np.ndarray, *, epoch: int, step: int) -> float:
        generator = torch.Generator(self.device).manual_seed(mix(self.seed, "views", epoch, step))
        patches = torch.from_numpy(np.ascontiguousarray(raw)).to(self.device)
        views = torch.cat(self.network.two_views(patches, generator))
        embedded = self.projection(self.network(views))
        first, second = embedded.chunk(2)
        names = torch.from_numpy(labels).to(self.device)
        loss = patch_contrast(first, second, labels=names, temperature=self.settings.temperature)
        value = float(loss.detach())
        if not math.isfinite(value):
            where = f"Contrast, epoch {epoch}, step {step}"
            raise RunError(expected(where, "a finite loss", f"{value}", todo="Lower the learning rate."))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return value

    def state(self) -> dict[str, Tensor]:
        """Weights of network and projection, and the momentum of each, by name."""
        held = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        held |= {f"projection.{k}": v for k, v in self.projection.state_dict().items()}
        momenta = (
            (i, self.optimiser.state.get(w, {}).get("momentum_buffer")) for i, w in enumerate(self.weights)
        )
        return held | {f"momentum.{i}": m for i, m in momenta if m is not None}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what :meth:`state` gave."""
        for name, part in (("network", self.network), ("projection", self.projection)):
            part.load_state_dict(part_of(state, name))
        for i, momentum in part_of(state, "momentum").items():
            self.optimiser.state[self.weights[int(i)]]["momentum_buffer"] = momentum.to(self.device).clone()


def part_of(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors under one name, without it."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
