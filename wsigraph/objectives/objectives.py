"""The whole loss: every term weighed by its schedule and returned by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn
from torch_geometric.data import Data

from wsigraph.data.bag_output import BagOutput
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.schedule import Schedule, share_done
from wsigraph.objectives.base import Need, Objective, Step


class Looks(Protocol):
    """What the loss asks of a model: views of a batch, and its standardised inputs."""

    def look(
        self,
        graph: Data,
        wanted: Mapping[str, tuple[str | None, ...]],
        *,
        masks: Mapping[str, Tensor] | None = None,
        done: float = 1.0,
    ) -> dict[str, BagOutput]:
        """Run the wanted views."""

    def standardise(self, x: Tensor) -> Tensor:
        """Inputs on the scale the model sees."""


@dataclass(frozen=True)
class Loss:
    """The loss of one batch.

    Args:
        total: Weighed sum, a scalar.
        terms: Each term unweighed, by name.
        views: What the model said.
    """

    total: Tensor
    terms: dict[str, Tensor]
    views: dict[str, BagOutput]


class Objectives(nn.Module):
    """Runs the views that its terms need, once each, and adds the terms.

    Args:
        terms: Objectives by name.
        weights: Weight of each, by the same names.
        epochs: Length of the schedules.

    Raises: RecipeError: if a term has no weight or a weight no term.
    """

    def __init__(
        self, terms: Mapping[str, Objective], weights: Mapping[str, Schedule], *, epochs: int
    ) -> None:
        super().__init__()
        if set(terms) != set(weights):
            raise RecipeError(expected("Objectives", f"weights for {sorted(terms)}", f"{sorted(weights)}"))
        self.terms = nn.ModuleDict(terms)
        self.weights = dict(weights)
        self.epochs = epochs

    @property
    def needs(self) -> tuple[Need, ...]:
        """What all terms read."""
        return tuple(need for term in self.terms.values() for need in term.needs)  # type: ignore[union-attr]

    def see(self, targets: Tensor) -> None:
        """Show the targets of the training slides, and of no others, to all terms before training.

        Args:
            targets: ``[n]`` classes, or ``[n, T]`` rows.

        Raises: RecipeError, CohortError: if a term cannot work with them.
        """
        for term in self.terms.values():
            term.see(targets)  # type: ignore[operator]

    def wanted(self) -> dict[str, tuple[str | None, ...]]:
        """Heads to evaluate in each view; None asks for node embeddings."""
        heads: dict[str, dict[str | None, None]] = {}
        for need in self.needs:
            heads.setdefault(need.view, {})[need.head] = None
        return {view: tuple(names) for view, names in heads.items()}

    def forward(
        self,
        model: Looks,
        graph: Data,
        *,
        target: Tensor,
        epoch: int = 0,
        masks: Mapping[str, Tensor] | None = None,
        also: Mapping[str, tuple[str | None, ...]] | None = None,
    ) -> Loss:
        """Loss of one batch.

        Args:
            model: The model to ask.
            graph: A graph or a PyG batch of graphs.
            target: ``[B]`` classes.
            epoch: Counted from 0; sets the weights, and what views change over training.
            masks: Masks to use instead of drawn ones, by view.
            also: Further views and heads to evaluate, for the caller's own use.
        """
        wanted = self.wanted()
        for view, heads in (also or {}).items():
            wanted[view] = tuple(dict.fromkeys((*wanted.get(view, ()), *heads)))
        views = model.look(graph, wanted, masks=masks, done=share_done(epoch, self.epochs))
        step = Step(
            views=views, target=target, inputs=_inputs(model, graph, views), epoch=epoch, epochs=self.epochs
        )
        terms = {name: term(step) for name, term in self.terms.items()}
        total = sum(
            (self.weights[name].at(epoch, self.epochs) * value for name, value in terms.items()),
            start=next(iter(terms.values())).new_zeros(()),
        )
        return Loss(total=total, terms=terms, views=views)


def _inputs(model: Looks, graph: Data, views: Mapping[str, BagOutput]) -> Tensor:
    """Standardised features: those the model had, where it kept them."""
    kept = next((view.inputs for view in views.values() if view.inputs is not None), None)
    return model.standardise(graph.x) if kept is None else kept
