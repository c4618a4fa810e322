"""One LightningModule for every method."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from wsigraph.models.mil_model import MILModel
from wsigraph.objectives.objectives import Objectives
from wsigraph.training.lightning_door import L
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix, seed_draws
from wsigraph.training.validation import validation_scores


class MILModule(L.LightningModule):
    """Trains a model by its objectives; knows no method.

    Before each step the random state is set from (seed, epoch, step), because Lightning saves none:
    a resumed run draws the same masks and dropouts as an uninterrupted one.

    Args:
        model: The slide classifier.
        objectives: Its loss.
        recipe: Optimiser and schedule are read from it.
        seed: Seed of the run.
    """

    def __init__(self, model: MILModel, objectives: Objectives, *, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.model, self.objectives = model, objectives
        self.recipe, self.seed = recipe, seed
        self.task, self.scores = recipe.make_task(), validation_scores(recipe, objectives)
        self.history: list[dict[str, float]] = []
        self._rate = 0.0  # of the epoch that runs: the schedule steps before validation
        self._train: dict[str, list[Tensor]] = {}
        self._val: dict[str, list[Tensor]] = {}

    def on_train_epoch_start(self) -> None:
        self._train = {}
        self._rate = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]

    def training_step(self, batch: Batch, index: int) -> Tensor:
        seed_draws(mix(self.seed, "train", self.current_epoch, index))
        target = self.task.step_target(batch.y)
        loss = self.objectives(self.model, batch, target=target, epoch=self.current_epoch)
        _collect(self._train, {"train_total": loss.total, **_named("train", loss.terms)})
        return loss.total

    def on_validation_epoch_start(self) -> None:
        self._val = {}

    def validation_step(self, batch: Batch, index: int) -> None:
        # the same masks in every epoch, so that epochs are compared on one task
        seed_draws(mix(self.seed, "val", index))
        view = self.model.predict_view
        heads = tuple(self.model.heads)[:1]  # none where pretraining is label-free
        also = {view: heads} if heads else None
        target = self.task.step_target(batch.y)
        loss = self.objectives(self.model, batch, target=target, epoch=self.current_epoch, also=also)
        _collect(self._val, {"val_total": loss.total, **_named("val", self._measured(loss.terms))})
        for head in heads:
            logits = loss.views[view].head(head).logits
            self._val.setdefault("logits", []).append(logits.detach().float().cpu())
            self._val.setdefault("target", []).append(batch.y.detach().cpu())

    def _measured(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms less those that compare slides with each other and, in a step of one slide, had no other."""
        alone = {n for n, term in self.objectives.terms.items() if not term.per_slide and terms[n] == 0}
        return {name: value for name, value in terms.items() if name not in alone}

    def on_validation_epoch_end(self) -> None:
        scores = {}
        if self.model.heads:
            logits, target = torch.cat(self._val.pop("logits")), torch.cat(self._val.pop("target"))
            scores = self.scores(logits, target)
        row = {**_means(self._val), **scores}
        self.log_dict({k: v for k, v in row.items() if k in MONITORED}, batch_size=1)
        self.history.append({"epoch": self.current_epoch, "lr": self._rate, **_means(self._train), **row})

    def configure_optimizers(self) -> Any:
        settings = self.recipe.optimiser
        optimiser = torch.optim.AdamW(
            self.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        if settings.schedule == "constant":
            return optimiser
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=settings.epochs)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cosine, "interval": "epoch"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["wsigraph"] = {"recipe": self.recipe.to_dict(), "seed": self.seed, "history": self.history}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.history = list(checkpoint["wsigraph"]["history"])


MONITORED = ("val_loss", "val_total", "val_auc", "val_accuracy", "val_accuracy_auc")


def _named(prefix: str, terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}_{name}": value for name, value in terms.items()}


def _collect(store: dict[str, list[Tensor]], values: dict[str, Tensor]) -> None:
    for name, value in values.items():
        store.setdefault(name, []).append(value.detach().float().cpu())


def _means(store: dict[str, list[Tensor]]) -> dict[str, float]:
    return {name: float(torch.stack(values).mean()) for name, values in store.items()}
