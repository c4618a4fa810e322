"""A mined run on new slides: encode by each fold's encoder, answer by its classifier, average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import read_json
from wsigraph.io.tensor_file import read_tensors
from wsigraph.models.mil_model import MILModel
from wsigraph.models.tiled import MAX_NODES
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.pipelines.mine_encode import encoded, network_name
from wsigraph.pipelines.mine_sources import read_pixels
from wsigraph.pipelines.mine_stages import CHOSEN
from wsigraph.pipelines.trained import Answer, TrainedModel, load_model, mean_answer, model_folders
from wsigraph.pipelines.which_attention import WhichAttention
from wsigraph.training.mining.settings import MineSettings
from wsigraph.training.recipe import PartSettings, Recipe


@dataclass(frozen=True)
class MinedFold:
    """One fold: its encoder, None where the first features answer, and its slide classifier."""

    network: PatchNetwork | None
    name: str
    model: TrainedModel

    @property
    def reads_pixels(self) -> bool:
        """Whether a slide's image is needed."""
        return self.network is not None and self.network.reads == "pixels"

    def encode(self, features: PatchFeatures, image: Path | None = None) -> PatchFeatures:
        """Features of a slide as this fold's classifier reads them, rounded as their files are.

        Args:
            features: The first features, by the encoder of the training slides; or those of this encoder,
                which are left as they are.
            image: The slide itself, for an encoder that reads pixels.

        Raises: RunError: if the encoder reads pixels and there is no image.
        """
        own = self.model.recipe.features.encoder
        if self.network is None or (own and features.encoder == own):
            return features
        if self.network.reads == "features":
            batches: Iterable[np.ndarray] = [features.x.astype(np.float32)]
        elif image is None:
            where, todo = f"Slide '{features.slide_id}'", "Give --images DIR."
            raise RunError(expected(where, f"its image, for '{self.name}' reads pixels", "none", todo=todo))
        else:
            batches = read_pixels(features, image)
        name = network_name(self.network, self.name, features.encoder) if features.encoder else own
        made = encoded(self.network, features, batches, name=name)
        return replace(made, x=made.x.astype(np.float16).astype(np.float32))


@dataclass(frozen=True)
class MinedModel:
    """The folds of a mined run; it answers as a ``TrainedModel`` does.

    Args:
        folds: One or several.
        images: The slides themselves by slide id, for encoders that read pixels.
    """

    folds: tuple[MinedFold, ...]
    images: Mapping[str, Path]

    @property
    def recipe(self) -> Recipe:
        """That of the first fold; those of others differ in the features that they read alone."""
        return self.folds[0].model.recipe

    @property
    def networks(self) -> tuple[MILModel, ...]:
        """The slide classifiers."""
        return tuple(network for fold in self.folds for network in fold.model.networks)

    @property
    def reads_pixels(self) -> bool:
        """Whether slides' images are needed."""
        return any(fold.reads_pixels for fold in self.folds)

    def of_fold(self, place: int) -> MinedModel:
        """One of the folds, in the order of ``model_folders``."""
        return replace(self, folds=(self.folds[place],))

    def of_slide(
        self, features: PatchFeatures, *, which: WhichAttention | None = None, max_nodes: int = MAX_NODES
    ) -> Answer:
        """Mean answer of the folds to a slide, each by its own features of it.

        Args:
            features: The first features.
            which: Whose attention.
            max_nodes: Patches above which message passing runs in tiles.

        Raises: RunError: if features are of another encoder, or an image is missing.
        """
        image = self.images.get(features.slide_id)
        return mean_answer(
            [
                fold.model.of_slide(fold.encode(features, image), which=which, max_nodes=max_nodes)
                for fold in self.folds
            ]
        )


def load_mined(run: str | Path, images: Mapping[str, Path] = MappingProxyType({})) -> MinedModel:
    """Load a mined run, or one fold of it.

    Args:
        run: A folder that ``wsigraph mine`` wrote.
        images: The slides themselves by slide id, for encoders that read pixels.

    Raises: RunError: if no fold is finished.
    """
    run = Path(run)
    folders = [run] if (run / CHOSEN).is_file() else model_folders(run)
    if not folders or not all((folder / CHOSEN).is_file() for folder in folders):
        todo = "Give the folder that `wsigraph mine --out` wrote."
        raise RunError(expected(f"Run '{run}'", "finished folds of mining", "none", todo=todo))
    return MinedModel(tuple(_fold(folder) for folder in folders), images)


def _fold(folder: Path) -> MinedFold:
    encoder = read_json(folder / CHOSEN)["encoder"]
    model = load_model(folder)
    if encoder is None:
        return MinedFold(None, "", model)
    tensors, about = read_tensors(folder / encoder)
    settings = MineSettings(network=PartSettings(**about["network"]))
    network = settings.make_network(about["in_channels"])
    network.load_state_dict(tensors)
    return MinedFold(network.eval(), settings.network.name, model)
