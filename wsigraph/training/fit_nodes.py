"""Train a node classifier: one slide per step, the epoch with the best validation loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from wsigraph.errors import RecipeError, expected
from wsigraph.training.node_head import NodeClassifier, node_cross_entropy
from wsigraph.training.recipe import CheckpointSettings, Recipe
from wsigraph.training.seeds import mix, seed_draws


@dataclass(frozen=True)
class LabelledNodes:
    """One slide whose patches have classes.

    Args:
        graph: The slide.
        target: ``[N]`` int64 class of each node, -1 where unknown.
    """

    graph: Data
    target: Tensor


def fit_nodes(
    classifier: NodeClassifier,
    recipe: Recipe,
    *,
    train: Sequence[LabelledNodes],
    val: Sequence[LabelledNodes],
    seed: int,
    listen: Callable[[dict[str, float]], None] = lambda row: None,
) -> list[dict[str, float]]:
    """Train in place, and leave the classifier at the epoch that the recipe's rule keeps.

    Optimiser, schedule, epochs, clipping and patience are the recipe's; a step is one slide. Order, masks
    and dropout depend on seed, epoch and step alone. On the CPU, in 32 bits.

    Args:
        classifier: Freshly built, its standardisation set from the training slides.
        recipe: What it was built from.
        train: Slides to learn from.
        val: Slides that choose the epoch.
        seed: Of order, masks and dropout.
        listen: Called with each epoch's log row.

    Returns: One log row per epoch: ``epoch``, ``lr``, ``train_total``, ``val_loss``.
    Raises: RecipeError: if the checkpoint rule is neither ``"val_loss"`` nor ``"last"``.
    """
    rule, settings = recipe.checkpoint, recipe.optimiser
    if rule.monitor not in ("val_loss", "last"):
        where = f"Recipe '{recipe.name}', asked about patches"
        raise RecipeError(expected(where, "checkpoint rule 'val_loss' or 'last'", f"'{rule.monitor}'"))
    optimiser = torch.optim.AdamW(
        classifier.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True
    )
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=settings.epochs)
    keeper, history = _Keeper(rule, classifier), list[dict[str, float]]()
    with torch.random.fork_rng(devices=[]):
        for epoch in range(settings.epochs):
            rate = optimiser.param_groups[0]["lr"]
            seed_draws(mix(seed, "order", epoch))
            order = torch.randperm(len(train)).tolist()
            told = []
            for step, index in enumerate(order):
                seed_draws(mix(seed, "train", epoch, step))
                told.append(_step(classifier, train[index], optimiser, epoch, settings.clip_norm))
            if settings.schedule == "cosine":
                cosine.step()
            row = {"epoch": float(epoch), "lr": rate, "train_total": sum(told) / len(told)}
            history.append({**row, "val_loss": validation_loss(classifier, val)})
            listen(history[-1])
            if keeper.enough(epoch, history[-1]["val_loss"]):
                break
    keeper.restore()
    return history


def _step(
    classifier: NodeClassifier,
    slide: LabelledNodes,
    optimiser: torch.optim.Optimizer,
    epoch: int,
    clip: float | None,
) -> float:
    classifier.train()
    optimiser.zero_grad()
    total = classifier.loss(slide.graph, slide.target, epoch=epoch).total
    total.backward()
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(classifier.parameters(), clip)
    optimiser.step()
    return float(total.detach())


@torch.no_grad()
def validation_loss(classifier: NodeClassifier, slides: Sequence[LabelledNodes]) -> float:
    """Cross-entropy over the known nodes of all slides at once; NaN where there is none."""
    classifier.eval()
    logits = torch.cat([classifier(slide.graph) for slide in slides])
    target = torch.cat([slide.target for slide in slides])
    return float(node_cross_entropy(logits, target)) if bool((target >= 0).any()) else math.nan


class _Keeper:
    """Remembers the weights of the best epoch."""

    def __init__(self, rule: CheckpointSettings, classifier: NodeClassifier) -> None:
        self.rule, self.classifier = rule, classifier
        self.best, self.at = math.inf, -1
        self.weights: dict[str, Tensor] = {}

    def enough(self, epoch: int, loss: float) -> bool:
        """Take this epoch's weights if they are the best; whether patience is at an end."""
        if self.rule.monitor == "last" or epoch < self.rule.from_epoch:
            return False
        if loss < self.best:
            self.best, self.at = loss, epoch
            self.weights = copy.deepcopy(self.classifier.state_dict())
        return epoch - max(self.at, self.rule.from_epoch) >= self.rule.patience

    def restore(self) -> None:
        """Back to the best weights; as they are where no epoch was taken."""
        if self.weights:
            self.classifier.load_state_dict(self.weights)
        self.classifier.eval()
