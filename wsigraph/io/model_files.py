"""A trained model on disk: ``model.safetensors`` beside ``recipe.json``, no pickle."""

from __future__ import annotations

from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path, read_json, write_json
from wsigraph.models.mil_model import MILModel
from wsigraph.training.recipe import Recipe

WEIGHTS, RECIPE = "model.safetensors", "recipe.json"


def save_model(folder: Path, model: MILModel, recipe: Recipe) -> None:
    """Write the recipe, then the weights; a folder with weights is whole."""
    from safetensors.torch import save_file

    write_json(folder / RECIPE, recipe.to_dict())
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_path(folder / WEIGHTS, verify=_check_readable) as temporary:
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
