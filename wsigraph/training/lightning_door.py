"""The only way to Lightning: mends torchvision first, then imports it."""

from __future__ import annotations

from wsigraph.compat import mend_torchvision

mend_torchvision()

import lightning as L  # noqa: E402, N812
from lightning.fabric.plugins import CheckpointIO  # noqa: E402
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint  # noqa: E402

__all__ = ["Callback", "CheckpointIO", "EarlyStopping", "L", "ModelCheckpoint"]
