"""What every objective owes: test a new one with ``check_objective(MyObjective)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.data.label_tree import LabelTree
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.testing.require import (
    name_of,
    ready,
    require,
    require_equal,
    require_finite,
    require_gradients,
    require_round_trip,
    require_used,
    seeded,
)
from wsigraph.testing.slides import SIZES, Slides, make_slides

NODE_CHANNELS = 8


def check_objective(
    make: Callable[[Sizes], Objective], *, per_slide: bool = True, outputs: Sequence[int] = (2, 7)
) -> None:
    """Check one objective in float64, with 2 and with 7 classes.

    A finite scalar, the same whatever the order of the patches, the mean of its slides one by one, 0 and
    no NaN where no node is masked, one patch, no edges, a gradient for everything it says it needs and
    for all its parameters, and state that makes the round trip.

    Args:
        make: ``Sizes`` -> a new objective; the class itself, or a ``partial`` with options.
        per_slide: False for a term that compares the slides of a batch with each other.
        outputs: Numbers of classes, or of the outputs that a term of another task reads.

    Raises: AssertionError: naming the first property that fails.
    """
    for classes in outputs:
        sizes = example_sizes(classes)
        part = ready(seeded(lambda sizes=sizes: make(sizes)))  # type: ignore[misc]
        part.see(torch.arange(classes).repeat_interleave(torch.arange(classes) + 1))  # class c has c + 1
        who = f"{name_of(part)} with {classes} classes"
        slides = make_slides(sizes.in_channels)
        step = example_step(part, sizes, slides)
        value = part(step)
        require(value.shape == (), who, "a scalar", f"shape {list(value.shape)}")
        require_finite(value, who=who, what="a loss")
        require_equal(
            part(step), value, who=who, what="the same answer twice in evaluation mode", tolerance=0
        )
        _check_order(part, sizes, slides, value, who=who)
        if per_slide:
            _check_mean(part, sizes, slides, value, who=who)
        _check_corners(part, sizes, slides, who=who)
        _check_gradients(part, step, who=who)
        require_round_trip(part, lambda sizes=sizes: make(sizes), lambda p, s=step: p(s), who=who)  # type: ignore[misc]


def example_sizes(num_classes: int) -> Sizes:
    """Widths to try; over the classes stand groups, the first of one class and the others of up to two, whose
    level a head called ``coarse`` answers."""
    tree = None
    if num_classes > 1:
        groups = tuple(f"group {k}" for k in range(num_classes // 2 + 1))
        names = tuple(f"class {k}" for k in range(num_classes))
        tree = LabelTree(
            ("group", "class"), (groups, names), (tuple((k + 1) // 2 for k in range(num_classes)),)
        )
    return Sizes(6, NODE_CHANNELS, num_classes, tree=tree, levels={"coarse": 0})


def example_step(
    part: Objective,
    sizes: Sizes,
    slides: Slides,
    *,
    mask: Tensor | None = None,
    order: Tensor | None = None,
    only: Sequence[int] | None = None,
) -> Step:
    """Made-up outputs with all that an objective needs.

    Args:
        part: Its needs are served.
        sizes: Widths.
        slides: The batch that ``order`` and ``only`` rearrange.
        mask: ``[N]`` bool; every second node where not given.
        order: Order of the nodes.
        only: Keep these slides.
    """
    generator = torch.Generator().manual_seed(11)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    n, graphs = len(slides.x), slides.num_graphs
    mask = torch.arange(n) % 2 == 0 if mask is None else mask
    views = {
        view: BagOutput(
            node_embedding=draw(n, sizes.node_channels),
            batch=slides.batch,
            num_graphs=graphs,
            adjacency=slides.adjacency,
            heads={},
            mask=mask,
        )
        for view in dict.fromkeys(need.view for need in part.needs)
    }
    for need in part.needs:
        if need.head is None:
            continue
        heads = views[need.view].heads
        outputs = sizes.outputs(need.head)
        if need.head not in heads:
            weights = draw(n, outputs)
            attention = torch.cat([weights[slides.rows(s)].softmax(0) for s in range(graphs)])
            heads[need.head] = HeadOutput(
                logits=draw(graphs, outputs),
                embedding=draw(graphs, sizes.node_channels),
                attention=attention,
                attention_logits=weights,
                node_logits=draw(n, outputs),
            )
        if need.shape:
            lengths = {"B": graphs, "N": n, "K": outputs, "E": sizes.node_channels}
            extra = draw(*(lengths[size] if isinstance(size, str) else size for size in need.shape))
            heads[need.head] = replace(
                heads[need.head], extras={**heads[need.head].extras, need.field: extra}
            )
    step = Step(views, part.example_target(graphs, sizes.num_classes), slides.x)
    per_node = frozenset(need.field for need in part.needs if need.shape[:1] == ("N",))
    step = step if order is None else _rearranged(step, slides.shuffled(order), order, per_node)
    return step if only is None else _single(step, slides, only[0], per_node)


def _rearranged(step: Step, slides: Slides, order: Tensor, per_node: frozenset[str]) -> Step:
    views = {
        name: replace(
            view,
            node_embedding=view.nodes[order],
            batch=slides.batch,
            adjacency=slides.adjacency,
            mask=None if view.mask is None else view.mask[order],
            heads={key: _nodes_of(head, order, per_node) for key, head in view.heads.items()},
        )
        for name, view in step.views.items()
    }
    return Step(views, step.target, step.inputs[order])


def _nodes_of(head: HeadOutput, rows: Tensor | slice, per_node: frozenset[str]) -> HeadOutput:
    fields = ("attention", "attention_logits", "node_logits")
    chosen = {f: getattr(head, f)[rows] for f in fields if getattr(head, f) is not None}
    extras = {name: value[rows] if name in per_node else value for name, value in head.extras.items()}
    return replace(head, **chosen, extras=extras)


def _slide_of(head: HeadOutput, rows: slice, bag: slice, per_node: frozenset[str]) -> HeadOutput:
    one = _nodes_of(head, rows, per_node)
    extras = {name: value if name in per_node else value[bag] for name, value in one.extras.items()}
    return replace(one, logits=head.logits[bag], embedding=head.embedding[bag], extras=extras)


def _single(step: Step, slides: Slides, slide: int, per_node: frozenset[str]) -> Step:
    rows, one = slides.rows(slide), slides.one(slide)
    bag = slice(slide, slide + 1)
    views = {
        name: replace(
            view,
            node_embedding=view.nodes[rows],
            batch=one.batch,
            num_graphs=1,
            adjacency=one.adjacency,
            mask=None if view.mask is None else view.mask[rows],
            heads={key: _slide_of(head, rows, bag, per_node) for key, head in view.heads.items()},
        )
        for name, view in step.views.items()
    }
    return Step(views, step.target[bag], step.inputs[rows])


def _check_order(part: Objective, sizes: Sizes, slides: Slides, value: Tensor, *, who: str) -> None:
    moved = example_step(part, sizes, slides, order=slides.order_within())
    require_equal(part(moved), value, who=who, what="the same loss whatever the order of the patches")


def _check_mean(part: Objective, sizes: Sizes, slides: Slides, value: Tensor, *, who: str) -> None:
    alone = [part(example_step(part, sizes, slides, only=[s])) for s in range(slides.num_graphs)]
    require_equal(
        torch.stack(alone).mean(), value, who=who, what="a batch that is the mean of its slides one by one"
    )


def _check_corners(part: Objective, sizes: Sizes, slides: Slides, *, who: str) -> None:
    n = len(slides.x)
    for masked in (False, True):
        step = example_step(part, sizes, slides, mask=torch.full((n,), masked))
        require_finite(part(step), who=who, what=f"a loss with {'every' if masked else 'no'} node masked")
    if any(need.field == "mask" for need in part.needs):
        nothing = float(
            part(example_step(part, sizes, slides, mask=torch.zeros(n, dtype=torch.bool))).detach()
        )
        require(nothing == 0.0, who, "0 where no node is masked", f"{nothing:.3g}")
    for corner, batch in (
        ("no edges", slides.without_edges()),
        ("one patch", make_slides(sizes.in_channels, sizes=(1,))),
        ("an unmasked slide", slides),
    ):
        mask = torch.arange(len(batch.x)) >= (SIZES[0] if corner == "an unmasked slide" else 0)
        require_finite(
            part(example_step(part, sizes, batch, mask=mask)), who=who, what=f"a loss with {corner}"
        )


def _check_gradients(part: Objective, step: Step, *, who: str) -> None:
    for need in part.needs:
        view, field = step.views[need.view], _differentiable(need)
        holder = view if need.head is None else view.heads[need.head]
        leaf = view.heads[need.head].extras[field] if need.shape and need.head else getattr(holder, field)

        run = partial(_loss_with, part, step, need)
        require_gradients(run, (leaf,), who=who)
        leaf = leaf.detach().clone().requires_grad_()
        value = run(leaf)
        grad = torch.autograd.grad(value, leaf, allow_unused=True)[0] if value.requires_grad else None
        read = grad is not None and bool((grad != 0).any())
        if need.ranked:
            require(not read, who, f"no gradient through the {field}, which it says is ranked", "one")
            read = bool((run(-leaf.detach()) != value).any())
        require(read, who, f"a loss that depends on the {field} it says it needs", "no gradient")
    require_used(part, part(step), who=who)


def _differentiable(need: Need) -> str:
    return "node_embedding" if need.field == "mask" else need.field


def _loss_with(part: Objective, step: Step, need: Need, value: Tensor) -> Tensor:
    """The loss with another value of what is needed."""
    view, field = step.views[need.view], _differentiable(need)
    if need.head is None:
        changed = replace(view, **{field: value})  # type: ignore[arg-type]
    else:
        head = view.heads[need.head]
        if need.shape:
            head = replace(head, extras={**head.extras, field: value})
        else:
            head = replace(head, **{field: value})  # type: ignore[arg-type]
        changed = replace(view, heads={**view.heads, need.head: head})
    return part(replace(step, views={**step.views, need.view: changed}))
