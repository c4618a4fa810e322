"""Training checkpoints: JSON types and tensors only, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path
from wsigraph.training.lightning_door import CheckpointIO


class AtomicCheckpoints(CheckpointIO):
    """Lightning's checkpoint writer with our guarantees.

    A checkpoint is reopened with ``weights_only=True`` before it takes its name, so that nothing that
    would need code to load is ever written.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write atomically."""
        with atomic_path(path, verify=_check_readable) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read tensors and JSON types; code is never loaded, whatever is asked."""
        return load_checkpoint(Path(path), map_location=map_location)

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint that is no longer the best."""
        Path(path).unlink(missing_ok=True)


def _check_readable(path: Path) -> None:
    load_checkpoint(path)


def load_checkpoint(path: Path, *, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a training checkpoint.

    Raises: RunError: if the file is damaged or holds more than tensors and plain values.
    """
    import pickle

    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, LookupError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            expected(
                f"Checkpoint '{path}'",
                "a whole checkpoint of tensors and plain values",
                reason,
                todo="Delete it to start this fold again.",
            )
        ) from error
