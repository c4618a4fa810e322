"""A trained model on disk: ``model.safetensors`` beside ``recipe.json``, no pickle."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path, read_json, write_json
from wsigraph.models.mil_model import MILModel
from wsigraph.training.recipe import Recipe

WEIGHTS, RECIPE = "model.safetensors", "recipe.json"
DECODERS = "objectives.safetensors"
"""Weights of the terms (decoders), which only a further training reads."""


def save_model(folder: Path, model: MILModel, recipe: Recipe, *, objectives: nn.Module | None = None) -> None:
    """Write the recipe, then the weights of the terms, then the model's; a folder with those is whole."""
    write_json(folder / RECIPE, recipe.to_dict())
    if objectives is not None and objectives.state_dict():
        _save(folder / DECODERS, objectives)
    _save(folder / WEIGHTS, model)


def load_states(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights of a finished folder by name: the model's, and those of its terms (none where it kept none).

    Raises: RunError: if there are no weights, or they cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not (folder / WEIGHTS).is_file():
        raise RunError(
            expected(
                f"Model '{folder}'", f"a file {WEIGHTS}", "none", todo="Finish the training run (it resumes)."
            )
        )
    decoders = folder / DECODERS
    try:
        return load_file(folder / WEIGHTS), load_file(decoders) if decoders.is_file() else {}
    except SafetensorError as error:
        raise RunError(
            expected(f"Model '{folder}'", "weights that can be read", str(error).splitlines()[0])
        ) from error


def _save(path: Path, part: nn.Module) -> None:
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in part.state_dict().items()}
    with atomic_path(path, verify=_check_readable) as temporary:
        save_file(state, temporary)


def _check_readable(weights: Path) -> None:
    from safetensors.torch import load_file

    load_file(weights)


def load_model_folder(folder: Path) -> tuple[MILModel, Recipe]:
    """Rebuild a model from its recipe and fill in its weights.

    Raises: RunError: if either file is missing or the weights do not fit the recipe.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    for name in (RECIPE, WEIGHTS):
        if not (folder / name).is_file():
            raise RunError(
                expected(
                    f"Model '{folder}'",
                    f"a file {name}",
                    "none",
                    todo="Finish the training run (it resumes).",
                )
            )
    recipe = Recipe.from_dict(read_json(folder / RECIPE))
    model, _ = recipe.build()
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError) as error:
        raise RunError(
            expected(f"Model '{folder}'", "weights that fit its recipe", str(error).splitlines()[0])
        ) from error
    return model.eval(), recipe
