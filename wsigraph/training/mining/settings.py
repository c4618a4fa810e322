"""All settings of mining in one frozen value, and those of the published loops."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.nn.schedule import Schedule, Shape
from wsigraph.training.mining.hard_negatives import REACH
from wsigraph.training.mining.mine import Rules
from wsigraph.training.mining.positives import FLOOR
from wsigraph.training.recipe import PartSettings, Settings, parse_setting

ADAPTER = PartSettings(name="adapter")


class MineSettings(Settings):
    """How an encoder is fine-tuned on mined patches, round after round.

    A round is ``epochs_per_round`` epochs of contrast, features made anew, and a slide classifier trained on
    them from scratch. An epoch deals each hard negative once, unless ``steps`` says how many steps it has.

    Args:
        network: What is fine-tuned, by name with its options: ``adapter`` on frozen features, ``resnet18`` or
            ``timm`` on pixels.
        rounds: Number of rounds.
        epochs_per_round: Epochs of contrast in each.
        warmup: Epochs before the share of positives moves.
        ratio: Share of the patches of negative slides that are hard; ``"all"`` is 1.
        ratio_end: That share in the last epoch; None keeps ``ratio``.
        ratio_shape: How it moves.
        floor: Score above which a patch of a positive slide is a candidate.
        share: Share of the candidates taken for positive until the warm-up is over.
        share_end: That share in the last epoch.
        reach: How far near classes may exceed their share of the hard negatives.
        batch: Patches per step.
        positive_share: Share of them that is positive.
        steps: Steps per epoch; one deal of the hard negatives where None.
        temperature: Of the contrast.
        projection_channels: Width of the projection that the contrast reads, which is then thrown away.
        lr: Learning rate of SGD at the start.
        momentum: Of SGD.
        weight_decay: Of SGD.
        schedule: ``"cosine"``: the rate falls to 0 over all epochs; ``"constant"``.
        judge: What decides on validation slides whether the scores of a round replace the pseudo-labels:
            ``"auc"``, or ``"loss"``, the cross-entropy.

    Source: HNM-WSI (Huang et al. 2024): 5 epochs per round, warm-up, ratio, floor, shares, batch, temperature
        and SGD with .01; momentum, weight decay, cosine and the width of the projection as usual for
        supervised contrast and in the authors' settings. Differs: 4 rounds, where the authors' settings say
        100 epochs.
    """

    network: PartSettings = ADAPTER
    rounds: int = Field(default=4, ge=1)
    epochs_per_round: int = Field(default=5, ge=1)
    warmup: int = Field(default=5, ge=0)
    ratio: float | Literal["all"] = 0.05
    ratio_end: float | None = None
    ratio_shape: Shape = "linear"
    floor: float = FLOOR
    share: float = Field(default=0.2, gt=0, le=1)
    share_end: float = Field(default=0.8, gt=0, le=1)
    reach: float = Field(default=REACH, ge=1)
    batch: int = Field(default=512, ge=2)
    positive_share: float = Field(default=0.2, gt=0, lt=1)
    steps: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.07, gt=0)
    projection_channels: int = Field(default=256, ge=1)
    lr: float = Field(default=0.01, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    judge: Literal["auc", "loss"] = "auc"

    @model_validator(mode="after")
    def _agree(self) -> MineSettings:
        if self.warmup >= self.epochs:
            raise ValueError(f"a warm-up below all {self.epochs} epochs is needed, got {self.warmup}")
        for name in ("ratio", "ratio_end"):
            value = getattr(self, name)
            if isinstance(value, float | int) and not 0 < value <= 1:
                raise ValueError(f"{name} is a share above 0 and up to 1, got {value}")
        if self.ratio == "all" and self.ratio_end is not None:
            raise ValueError("ratio 'all' does not move: give a number, or no ratio_end")
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all rounds."""
        return self.rounds * self.epochs_per_round

    @property
    def rules(self) -> Rules:
        """How patches are chosen."""
        ratio = 1.0 if self.ratio == "all" else self.ratio
        return Rules(
            ratio=Schedule(ratio, self.ratio_end, self.ratio_shape),
            floor=self.floor,
            share=Schedule(self.share, self.share_end),
            warmup=self.warmup,
            reach=self.reach,
        )

    def make_network(self, in_channels: int) -> PatchNetwork:
        """A new network.

        Args:
            in_channels: Width of the frozen features.

        Raises: UnknownPartError: if there is none of this name. RecipeError: if it takes no such option.
        """
        part = {"name": self.network.name, **self.network.options}
        try:
            network: PatchNetwork = PatchNetwork.registry.make(part, in_channels)
        except TypeError as error:
            where = f"Patch network '{self.network.name}'"
            got = f"{self.network.options} ({error})"
            raise RecipeError(expected(where, "valid options", got)) from error
        return network

    def with_changes(self, changes: Mapping[str, Any]) -> MineSettings:
        """The same with some settings changed: ``{"rounds": 2, "network.width": "16"}``.

        Text is read as JSON where it is JSON; ``network`` alone is its name.

        Raises: RecipeError: naming each wrong or unknown setting.
        """
        values = self.model_dump(mode="json")
        for path, given in changes.items():
            value = parse_setting(given)
            if path == "network" and isinstance(value, str):
                name, _, model = value.partition(":")
                value = {"name": name, **({"model": model} if model else {})}
            group, _, option = path.partition(".")
            if option:
                values[group] = {**_options(values.get(group), path), option: value}
            else:
                values[path] = value
        return MineSettings.of(values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> MineSettings:
        """Settings from plain values.

        Raises: RecipeError: naming each wrong or unknown setting.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise RecipeError(expected("Mining", "valid settings", wrong)) from error


PUBLISHED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"hnm_code": {"ratio": 0.2, "rounds": 20}, "its2clr": {"ratio": "all"}}
)
"""What differs from the defaults, by recipe."""


def mine_settings(recipe: str, changes: Mapping[str, Any] | None = None) -> MineSettings:
    """The settings that belong to a recipe, with some changed; the defaults are those of ``hnm``.

    Args:
        recipe: Name of the slide classifier's recipe.
        changes: As ``MineSettings.with_changes`` takes them.

    Raises: RecipeError: naming each wrong or unknown setting.
    """
    return MineSettings().with_changes(PUBLISHED.get(recipe, {})).with_changes(changes or {})


def _options(group: Any, path: str) -> dict[str, Any]:
    if not isinstance(group, dict):
        raise RecipeError(expected("Mining", "a setting that has options, as 'network' has", f"'{path}'"))
    return dict(group)
