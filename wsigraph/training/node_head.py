"""A method asked about its patches: the encoder of a recipe under one linear head at every node."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from wsigraph.data.bag_output import BagOutput
from wsigraph.errors import RecipeError, expected
from wsigraph.models.mil_model import MILModel
from wsigraph.nn.schedule import Schedule
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.objectives import Loss, Objectives
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix


class NodeCrossEntropy(Objective):
    r"""Cross-entropy of a linear head at the nodes whose class is known.

    .. math::  L = \frac{1}{|K|} \sum_{i \in K} -\log \mathrm{softmax}(W h_i + b)_{y_i}

    Not a part of recipes: a step's target is here ``[N]``, one class per node, -1 where it is unknown.

    Args:
        sizes: Widths of the model.
        head: The head, shared by the terms of all views.
        view: View whose nodes are read.

    Shape: nodes ``[N, node_channels]``, target ``[N]`` -> a scalar, 0 where no class is known.
    """

    def __init__(self, sizes: Sizes, *, head: nn.Linear, view: str = "clean") -> None:
        super().__init__()
        self.head, self.view = head, view
        self.needs = (Need(view, None, "node_embedding"),)

    def forward(self, step: Step) -> Tensor:
        """Mean over the known nodes of the batch."""
        return node_cross_entropy(self.head(step.views[self.view].nodes), step.target)


def node_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy over the rows whose class is known; 0, with a gradient of 0, where none is.

    Shape: logits ``[N, K]``, target ``[N]`` with -1 where unknown -> a scalar.
    """
    total = nn.functional.cross_entropy(logits, target, ignore_index=-1, reduction="sum")
    return total / (target >= 0).sum().clamp(min=1)


class NodeClassifier(nn.Module):
    """A model without slide heads, and one linear head at its nodes.

    Args:
        model: Standardisation, encoder and views.
        head: ``node_channels -> K``.
        objectives: The loss; its terms may share the head.
    """

    def __init__(self, model: MILModel, head: nn.Linear, objectives: Objectives) -> None:
        super().__init__()
        self.model, self.head, self.objectives = model, head, objectives

    def forward(self, graph: Data) -> Tensor:
        """Logits ``[N, K]`` of all nodes, from the prediction view."""
        seen: BagOutput = self.model(graph)
        return self.head(seen.nodes)

    def loss(self, graph: Data, target: Tensor, *, epoch: int = 0) -> Loss:
        """Loss of one slide.

        Args:
            graph: The slide.
            target: ``[N]`` class of each node, -1 where unknown.
            epoch: Counted from 0.
        """
        loss: Loss = self.objectives(self.model, graph, target=target, epoch=epoch)
        return loss


def node_classifier(recipe: Recipe, *, seed: int = 0) -> NodeClassifier:
    """A recipe's network and loss, asked about patches instead of slides.

    The encoder, its views and their weights in the loss stay what they are; the slide heads go. Each
    cross-entropy of a view becomes that of the nodes of this view, by one linear head that all views share;
    terms that need neither labels nor a slide head (SRMIL's reconstruction) stay. Of a set method remains its
    embedding of single patches: how it pools is not asked.

    Args:
        recipe: A classifier of slides.
        seed: Of the weights.

    Raises: RecipeError: if its task is not classification, or a term of its loss cannot be asked of nodes.
    """
    where = f"Recipe '{recipe.name}', asked about patches"
    if recipe.task.name != "classification" or not recipe.heads:
        raise RecipeError(expected(where, "a classifier of slides", f"task '{recipe.task.name}'"))
    asked = {name: part for name, part in recipe.terms.items() if part.name == "cross_entropy"}
    free = {name: part for name, part in recipe.terms.items() if name not in asked}
    what = "cross-entropies, and terms that read neither labels nor a slide head"
    if not asked:
        raise RecipeError(expected(where, what, "no cross-entropy"))
    wrong = [name for name, part in free.items() if Objective.registry.get(part.name).tasks is not None]
    if wrong:
        raise RecipeError(expected(where, what, f"term '{wrong[0]}' ({free[wrong[0]].name})"))
    try:
        model, built = recipe.model_copy(update={"heads": {}, "terms": free}).build(seed=seed)
    except RecipeError as error:  # a view or a term that asks a slide head
        raise RecipeError(expected(where, what, f"one that asks for a slide head ({error})")) from error
    sizes = Sizes(recipe.in_channels, model.encoder.out_channels, len(recipe.classes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(seed, "node head"))
        head = nn.Linear(sizes.node_channels, sizes.num_classes)
    views = {name: part.options.get("view", "clean") for name, part in asked.items()}
    terms = {name: NodeCrossEntropy(sizes, head=head, view=view) for name, view in views.items()}
    weights = {name: Schedule(p.weight, p.weight_end, p.weight_shape) for name, p in recipe.terms.items()}
    kept = dict(built.terms.items())
    return NodeClassifier(model, head, Objectives({**terms, **kept}, weights, epochs=built.epochs))
