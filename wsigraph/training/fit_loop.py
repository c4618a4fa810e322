"""Run Lightning over prepared graphs, with the checkpoint writer injected."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.data import Dataset
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from wsigraph.training.build import slide_sampler
from wsigraph.training.lightning_door import Callback, CheckpointIO, EarlyStopping, L, ModelCheckpoint
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import CheckpointSettings
from wsigraph.training.samplers.steps import EpochSteps
from wsigraph.training.windows import Windows, WindowSteps

TERMINATED = 128 + 15
"""Exit code of a process that was told to end (SIGTERM) while it trained."""


class LabelledSlides(Protocol):
    """Training slides: a map-style dataset that knows the target of each slide without loading it."""

    @property
    def targets(self) -> Sequence[Any]:
        """One per slide, in order: a class, or a row of numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Data: ...


@dataclass(frozen=True)
class TrainerOptions:
    """Where and how training runs; nothing here changes the method.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        workers: Loader processes; 0 loads in the main one.
        precision: Lightning's precision, ``"32"`` or ``"bf16"``.
        save_memory: Compute message passing again in the backward pass instead of keeping what it needs.
        cache_gb: Gigabytes of graphs that are kept in memory between epochs; the others are read again.
    """

    device: str = "auto"
    workers: int = 0
    precision: str = "32"
    save_memory: bool = False
    cache_gb: float = 4.0


class _Progress(Callback):
    """Tells a listener of each finished epoch."""

    def __init__(self, listen: Callable[[dict[str, float]], None]) -> None:
        self.listen = listen

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, MILModule)
        if pl_module.history:
            self.listen(pl_module.history[-1])


class _ResumedEpoch(Callback):
    """Tells the loader with which epoch a resumed run begins.

    Lightning does so too, but only after loader processes have asked for their first slides.
    """

    def __init__(self, steps: EpochSteps) -> None:
        self.steps = steps

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self.steps.set_epoch(checkpoint["epoch"] + 1)  # written at the end of that epoch


class _LateEarlyStopping(EarlyStopping):
    """Early stopping that counts only from an epoch on, and stays stopped when a stopped run is resumed."""

    def __init__(self, from_epoch: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.from_epoch = from_epoch

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.wait_count >= self.patience:
            trainer.should_stop = True

    def _run_early_stopping_check(self, trainer: L.Trainer) -> None:
        if trainer.current_epoch >= self.from_epoch:
            super()._run_early_stopping_check(trainer)


class _LateCheckpoint(ModelCheckpoint):
    """Best checkpoint among the epochs from one on; every epoch is kept as the last one, for resuming."""

    def __init__(self, from_epoch: int, **kwargs: Any) -> None:
        super().__init__(save_last=True, save_on_train_epoch_end=True, enable_version_counter=False, **kwargs)
        self.from_epoch = from_epoch

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)
        if self._last_global_step_saved != trainer.global_step:  # Lightning saves it only beside a new best
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def _save_topk_checkpoint(self, trainer: L.Trainer, monitor_candidates: dict[str, Any]) -> None:
        if trainer.current_epoch >= self.from_epoch:
            super()._save_topk_checkpoint(trainer, monitor_candidates)


def train(
    module: MILModule,
    *,
    train_graphs: LabelledSlides,
    val_graphs: Dataset[Any],
    folder: Path,
    checkpoint_io: CheckpointIO,
    options: TrainerOptions,
    listen: Callable[[dict[str, float]], None] = lambda row: None,
) -> Path:
    """Train until the recipe's rule says stop, resuming from ``folder`` if it holds a checkpoint.

    Args:
        module: The module to train, freshly built.
        train_graphs: A map-style dataset of graphs with ``y``, which knows their targets.
        val_graphs: A map-style dataset of graphs with ``y``, for validation.
        folder: Where checkpoints go.
        checkpoint_io: Writes and reads them.
        options: Device, workers, precision.
        listen: Called with each epoch's log row.

    Returns: Path of the checkpoint the rule chose.
    Raises: RecipeError, CohortError: if the recipe's sampler cannot deal the training slides. SystemExit: if
        the process is told to end; called again, training goes on.
    """
    rule = module.recipe.checkpoint
    module.model.recomputes = options.save_memory
    keeper = _keeper(rule, folder)
    steps = _steps(train_graphs, module)
    callbacks: list[Callback] = [keeper, _Progress(listen), _ResumedEpoch(steps)]
    if rule.monitor != "last":
        callbacks.append(
            _LateEarlyStopping(
                rule.from_epoch,
                monitor=rule.monitor,
                mode=_mode(rule),
                patience=rule.patience,
                check_finite=False,
            )
        )
    last = folder / "last.ckpt"
    with _quiet(), torch.random.fork_rng(devices=[]):
        trainer = L.Trainer(
            max_epochs=module.recipe.optimiser.epochs,
            accelerator="gpu" if options.device == "cuda" else options.device,
            devices=1,
            precision=options.precision,  # type: ignore[arg-type]
            callbacks=callbacks,
            plugins=[checkpoint_io],
            gradient_clip_val=module.recipe.optimiser.clip_norm,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
        )
        try:
            trainer.fit(
                module,
                _loader(train_graphs, steps, module, options=options),
                DataLoader(val_graphs, batch_size=1, num_workers=options.workers),
                ckpt_path=str(last) if last.exists() else None,
                weights_only=True,
            )
        except SystemExit as left:  # Lightning leaves without a code when it is told to end
            raise SystemExit(left.code or TERMINATED) from left
    return last if rule.monitor == "last" or not keeper.best_model_path else Path(keeper.best_model_path)


def _steps(graphs: LabelledSlides, module: MILModule) -> EpochSteps:
    targets = module.recipe.make_task().classes_to_draw(torch.as_tensor(graphs.targets))
    return EpochSteps(slide_sampler(module.recipe), targets, seed=module.seed)


def _loader(
    graphs: LabelledSlides, steps: EpochSteps, module: MILModule, *, options: TrainerOptions
) -> DataLoader:
    size = module.recipe.sampler.window_patches
    if size is None:
        return DataLoader(graphs, batch_sampler=steps, num_workers=options.workers)
    windows = Windows(graphs, size=size, seed=module.seed)  # type: ignore[arg-type]
    return DataLoader(windows, batch_sampler=WindowSteps(steps), num_workers=options.workers)


def _mode(rule: CheckpointSettings) -> str:
    return "min" if rule.monitor in ("val_loss", "val_total") else "max"


def _keeper(rule: CheckpointSettings, folder: Path) -> ModelCheckpoint:
    if rule.monitor == "last":
        return _LateCheckpoint(0, dirpath=folder, filename="best", save_top_k=0)
    return _LateCheckpoint(
        rule.from_epoch,
        dirpath=folder,
        filename="best",
        monitor=rule.monitor,
        mode=_mode(rule),
        save_top_k=1,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice on workers, loggers and hardware is not for our users."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", module="torch")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
