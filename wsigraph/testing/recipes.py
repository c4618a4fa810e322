"""What every recipe owes as a whole model: test one with ``check_recipe("my_method")``."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from torch import Tensor
from torch_geometric.data import Batch

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import RecipeError
from wsigraph.models.exportable import Exportable
from wsigraph.models.mil_model import MILModel
from wsigraph.objectives.objectives import Objectives
from wsigraph.testing.require import (
    require,
    require_equal,
    require_finite,
    require_gradients,
    require_round_trip,
    require_shape,
    seeded,
)
from wsigraph.testing.slides import Slides, make_slides
from wsigraph.training.catalog import catalog
from wsigraph.training.recipe import Recipe, recipe

EXPORT_SIZES = (11, 1, 40)
"""Patches of the slides an exported program is asked; the first is the one it was traced with."""


def check_recipe(name: str, *, in_channels: int = 6) -> None:
    """Check the model and the loss of one recipe, in float64 and with 7 classes.

    The order of the patches, a batch that equals its slides one by one, no leak between slides, a slide of
    one patch, a graph without edges and one without ``edge_index``, attention that sums to 1, gradients by
    finite differences, a loss that is finite and reaches every weight, weights that come from the seed,
    state that makes the round trip, and ``torch.export``. Where order or export are excepted, the entry of
    the recipe must say why.

    Args:
        name: A classifying recipe.
        in_channels: Width to try.

    Raises: AssertionError: naming the first property that fails.
    """
    method = recipe(name, in_channels=in_channels, classes=[f"c{i}" for i in range(7)])
    model, objectives = seeded(method.build)
    slides, who = make_slides(in_channels), f"Recipe '{name}'"
    target = targets_of(method, slides.num_graphs)
    _check_loss(model.double(), objectives.double(), slides, target, who=who)
    model.eval()
    out = _ask(model, slides)
    require_shape(out.logits, (slides.num_graphs, 7), who=who, what="logits")
    require_equal(
        _ask(model, slides).logits,
        out.logits,
        who=who,
        what="the same answer twice in evaluation mode",
        tolerance=0,
    )
    _check_batch(model, slides, out, who=who)
    _check_order(model, name, slides, out, who=who)
    _check_edges(model, slides, who=who)
    require_gradients(lambda x: _ask(model, replace(slides, x=x)).logits, (slides.x,), who=who)
    _check_seed(method, who=who)
    require_round_trip(model, lambda: method.build(seed=1)[0], lambda m: _ask(m, slides).logits, who=who)
    _check_export(model, method, who=who)


def graphs_of(slides: Slides) -> list[SpatialGraph]:
    """Each slide as a graph."""
    made = []
    for number in range(slides.num_graphs):
        one = slides.one(number)
        made.append(SpatialGraph(one.x, one.edge_index, pos=one.pos, slide_id=f"s{number}"))
    return made


def _ask(model: MILModel, slides: Slides) -> HeadOutput:
    """The first head's answer to a batch; gradients reach ``slides.x``."""
    batch = Batch.from_data_list(graphs_of(slides))
    batch.x = slides.x
    return model(batch).head(next(iter(model.heads)))


def targets_of(method: Recipe, num_slides: int) -> Tensor:
    """A class for each slide in turn, or its line in the recipe's label tree."""
    tree, num_classes = method.make_task().label_tree, max(1, len(method.classes))
    if tree is None:
        return torch.arange(num_slides) % num_classes
    return torch.tensor([tree.line(-1, slide % num_classes) for slide in range(num_slides)])


def _check_loss(model: MILModel, objectives: Objectives, slides: Slides, target: Tensor, *, who: str) -> None:
    """In training mode: finite, and every weight of model and terms has a say in some step."""
    model.train()
    objectives.train()
    batch = Batch.from_data_list(graphs_of(slides))
    weights = dict(model.named_parameters()) | {f"terms: {n}": p for n, p in objectives.named_parameters()}
    idle = set(weights)
    for seed in range(4):  # dropped branches and masks differ from step to step
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            total = objectives(model, batch, target=target).total
        require_finite(total, who=who, what="a loss in training mode")
        grads = torch.autograd.grad(total, [weights[name] for name in weights], allow_unused=True)
        for name, grad in zip(weights, grads, strict=True):
            if grad is not None:
                require_finite(grad, who=who, what=f"the gradient of {name}")
                idle -= {name}
    require(not idle, who, "a loss that reaches every weight", f"none for {sorted(idle)}")


def _check_batch(model: MILModel, slides: Slides, out: HeadOutput, *, who: str) -> None:
    for slide in range(slides.num_graphs):
        alone = _ask(model, slides.one(slide))
        one_by_one = "a batch that equals its slides one by one"
        require_equal(alone.logits, out.logits[slide : slide + 1], who=who, what=one_by_one)
        wanted = None if out.attention is None else out.attention[slides.rows(slide)]
        require_equal(alone.attention, wanted, who=who, what=f"attention in {one_by_one}")
        if alone.attention is not None:
            total = alone.attention.sum(0)
            require_equal(
                total, torch.ones_like(total), who=who, what="attention that sums to 1 in every slide"
            )
    changed = _ask(model, slides.with_other(0)).logits
    require_equal(
        changed[1:],
        out.logits[1:],
        who=who,
        what="other slides bit-equal when one slide changes",
        tolerance=0,
    )
    require(bool((changed[0] != out.logits[0]).any()), who, "an answer that depends on the slide", "the same")


def _check_order(model: MILModel, name: str, slides: Slides, out: HeadOutput, *, who: str) -> None:
    known = catalog().get(name)
    if known is not None and known.order_matters:
        return
    order = slides.order_within()
    moved = _ask(model, slides.shuffled(order))
    require_equal(moved.logits, out.logits, who=who, what="the same answer whatever the order of the patches")
    wanted = None if out.attention is None else out.attention[order]
    require_equal(moved.attention, wanted, who=who, what="attention that moves with its patch")


def _check_edges(model: MILModel, slides: Slides, *, who: str) -> None:
    bare = slides.without_edges().one(2)
    none = SpatialGraph(bare.x, None, pos=bare.pos)
    with_none = model(none).head(next(iter(model.heads))).logits
    alone = _ask(model, bare).logits
    require_equal(
        with_none, alone, who=who, what="a graph without edge_index to be one without edges", tolerance=0
    )
    reads = bool((alone != _ask(model, slides.one(2)).logits).any())
    says = any(part.uses_edges for part in (model.encoder, *model.heads.values()))
    require(reads == says, who, f"parts that say uses_edges = {reads}, as the answer shows", f"{says}")


def _check_seed(method: Recipe, *, who: str) -> None:
    before = torch.get_rng_state()
    first, same, other = (method.build(seed=seed)[0].state_dict() for seed in (0, 0, 1))
    require(torch.equal(before, torch.get_rng_state()), who, "global random state left alone", "another")
    require(
        all(torch.equal(first[k], same[k]) for k in first), who, "weights that come from the seed", "others"
    )
    differ = any(not torch.equal(first[k], other[k]) for k in first)
    require(differ, who, "other weights from another seed", "the same")


def _check_export(model: MILModel, method: Recipe, *, who: str) -> None:
    known = catalog().get(method.name)
    excepted = known is not None and bool(known.not_exported)
    try:
        program = _program(model, method)
    except (RecipeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        require(excepted, who, "a model that torch.export can trace, or a reason in not_exported", reason)
        return
    require(not excepted, who, "not_exported to be empty, since it can be exported", "a reason")
    for size in EXPORT_SIZES:
        one = make_slides(method.in_channels, sizes=(size,), seed=size)
        got = program(one.x, one.edge_index)["logits"]
        require_equal(got, _ask(model, one).logits[0], who=who, what="an exported program that says the same")


def _program(model: MILModel, method: Recipe) -> torch.nn.Module:
    one = make_slides(method.in_channels, sizes=EXPORT_SIZES[:1])
    sizes = {
        "x": {0: torch.export.Dim("num_patches", min=0)},
        "edge_index": {1: torch.export.Dim("num_edges", min=0)},
    }
    exportable = Exportable(model, self_loops=method.self_loops).eval()
    inputs: tuple[Tensor, Tensor] = (one.x, one.edge_index)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(exportable, inputs, dynamic_shapes=sizes, strict=False).module()
