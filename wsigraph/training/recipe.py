"""A recipe: one frozen, validated value that says all of a method and rebuilds it.

Unknown keys are refused everywhere: in the recipe's own fields by pydantic, in the options of a part
against the part's constructor.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wsigraph.data.tasks.base import Task, make_task
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.schedule import Shape
from wsigraph.registry import Registry

RECIPES = Registry("recipe", "wsigraph.training.recipes")
"""Published methods by name; a function of ``in_channels`` and ``classes`` returns a ``Recipe``."""


class Settings(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PartSettings(BaseModel):
    """A registered part by name; every other key is an option of its constructor."""

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The part's options."""
        return dict(self.__pydantic_extra__ or {})


CLASSIFICATION = PartSettings(name="classification")


class TermSettings(PartSettings):
    """A term of the loss; ``weight`` is constant or moves to ``weight_end`` as ``weight_shape`` says."""

    weight: float = 1.0
    weight_end: float | None = None
    weight_shape: Shape = "linear"


class FeatureSettings(Settings):
    """The features a model was trained on; ``predict`` refuses others. Empty until trained."""

    encoder: str = ""
    patch_px: int = 0
    target_mpp: float | None = None


class OptimiserSettings(Settings):
    """AdamW with a cosine to 0, stepped per epoch."""

    lr: float = Field(default=5e-4, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    epochs: int = Field(default=100, ge=1)
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: float | None = Field(default=None, gt=0)


class SamplerSettings(PartSettings):
    """How slides are drawn: the sampler by name, ``slides_per_step`` at a time; other keys are its options.

    In training, a slide of more than ``window_patches`` patches is cut to that many around a patch drawn anew
    each epoch, with the edges among them; None takes whole slides. A window has the label of its slide, also
    where what the label means lies outside it. Validation and prediction see whole slides always.
    """

    name: str = "shuffled"
    slides_per_step: int = Field(default=1, ge=1)
    window_patches: int | None = Field(default=None, ge=1)


class CheckpointSettings(Settings):
    """Which epoch is kept, and when training stops early.

    ``val_loss`` is the cross-entropy of the predicted probabilities on the validation slides, for other tasks
    than classes the loss of their own term over all of them at once;
    ``val_accuracy_auc`` the accuracy there, ties decided by the AUC;
    ``val_total`` the weighed sum of all terms there; ``last`` keeps the last epoch and never stops early.
    """

    monitor: Literal["val_loss", "val_total", "val_auc", "val_accuracy", "val_accuracy_auc", "last"] = (
        "val_loss"
    )
    patience: int = Field(default=20, ge=1)
    from_epoch: int = Field(default=0, ge=0)


class Recipe(Settings):
    """Everything a method is, apart from the data.

    Without heads it is label-free pretraining: an encoder learns from its terms alone, and classifiers start
    from it. ``task`` is what is asked of a slide, and ``classes`` are its names: of classes, labels or
    values. ``coordinates`` is False where the features have none: then parts that read them are refused.
    """

    name: str
    in_channels: int = Field(gt=0)
    task: PartSettings = CLASSIFICATION
    classes: tuple[str, ...] = ()
    features: FeatureSettings = FeatureSettings()
    coordinates: bool = True
    graph: PartSettings
    self_loops: bool = True
    standardise: bool = True
    encoder: PartSettings
    views: dict[str, PartSettings]
    predict_view: str = "clean"
    heads: dict[str, PartSettings]
    terms: dict[str, TermSettings]
    sampler: SamplerSettings = SamplerSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()

    @model_validator(mode="after")
    def _classes_and_heads_agree(self) -> Recipe:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must differ, got {list(self.classes)}")
        wrong = self.make_task().check_classes(self.classes) if self.heads else ""
        if wrong:
            raise ValueError(wrong)
        if not self.heads and self.checkpoint.monitor not in ("val_total", "last"):
            raise ValueError(
                f"without heads the checkpoint rule is 'val_total' or 'last', got '{self.checkpoint.monitor}'"
            )
        return self

    @property
    def classifies(self) -> bool:
        """False for label-free pretraining: no head, so no labels, no predictions and no metrics."""
        return bool(self.heads)

    def make_task(self) -> Task:
        """What is asked of a slide.

        Raises: RecipeError: if there is no such task, or it takes no such option.
        """
        return make_task(self.task.model_dump())

    def knowing(self, task: Task) -> Recipe:
        """The same recipe, its task knowing what it has seen of the slides (scale, time bins)."""
        return self.model_copy(update={"task": PartSettings(**task.settings())})

    def for_task(
        self, task: str | Mapping[str, Any] | Task, *, classes: Sequence[str] | None = None
    ) -> Recipe:
        """The same method asked another question: terms of classes become the task's own.

        Args:
            task: By name, with options, or itself.
            classes: Names of its classes, labels or values; where not given, this recipe's classes for a task
                of classes, none for others.

        Raises: RecipeError: if it cannot be asked.
        """
        from wsigraph.training.for_task import for_task

        asked = make_task(task)
        own = self.classes if asked.of_classes else ()
        changed = for_task(self, asked, classes=own if classes is None else classes)
        changed.build()
        return changed

    def build(self, *, seed: int = 0) -> tuple[Any, Any]:
        """A new ``MILModel`` and its ``Objectives``, weights drawn from ``seed``.

        Raises: RecipeError: if a part is unknown, takes no such option, or cannot give what a term needs.
        """
        from wsigraph.training.build import build

        return build(self, seed=seed)

    def with_settings(self, changes: Mapping[str, Any]) -> Recipe:
        """A copy with some settings changed: ``{"optimiser.lr": 1e-3, "graph.k": "6"}``.

        Text is read as JSON where it is JSON.

        Raises: RecipeError: if a setting does not exist or cannot have that value.
        """
        values = self.model_dump()
        for path, value in changes.items():
            *groups, key = path.split(".")
            place = values
            for group in groups:
                if not isinstance(place.get(group), dict):
                    raise RecipeError(
                        expected(f"Recipe '{self.name}'", f"a setting of {sorted(place)}", f"'{path}'")
                    )
                place = place[group]
            place[key] = parse_setting(value)
        changed = Recipe.from_dict(values)
        changed.build()  # options of parts are checked where parts are built
        return changed

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """A recipe from plain values, as ``recipe.json`` holds them.

        Raises: RecipeError: naming each wrong or unknown key.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise RecipeError(expected("Recipe", "valid settings", wrong)) from error

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; the usual task is left out, as it was before there were others."""
        return self.model_dump(mode="json", exclude={"task"} if self.task == CLASSIFICATION else None)


def parse_setting(value: Any) -> Any:
    """Text from a command line as JSON where it is JSON; everything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def recipe(
    name: str,
    *,
    in_channels: int,
    classes: Sequence[str] = (),
    task: str | Mapping[str, Any] | Task = "classification",
) -> Recipe:
    """The published method called ``name``.

    Args:
        name: One of ``recipe_names()``.
        in_channels: Width of the features.
        classes: Class names, in the order of the model's outputs; none for label-free pretraining and
            survival; for other tasks the names of labels or values.
        task: What is asked of a slide, by name, with options, or itself.

    Raises: UnknownPartError: if there is no such recipe. RecipeError: if a classifier has no classes, or the
        method cannot be asked this.
    """
    asked, make = make_task(task), RECIPES.get(name)
    if asked.name == CLASSIFICATION.name:
        return make(in_channels=in_channels, classes=tuple(classes))
    if "task" in inspect.signature(make).parameters:  # written for a task of its own
        one = make(in_channels=in_channels, classes=tuple(classes), task=asked)
        return one if one.task.name == asked.name else one.for_task(asked, classes=classes)
    # other methods are written for classes; two stand in until the task has its own names
    return make(in_channels=in_channels, classes=("0", "1")).for_task(asked, classes=classes)


def recipe_names() -> list[str]:
    """Names of all recipes."""
    return RECIPES.names()
