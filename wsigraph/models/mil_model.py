"""MILModel: standardised inputs, one encoder, views of the batch, heads over the nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch_geometric.data import Data

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.errors import GraphError, RecipeError, expected
from wsigraph.models.view_order import below, check_attention, check_views, has_supernodes
from wsigraph.nn.encoders.base import Embedded, Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.row_map import RowMap
from wsigraph.nn.standardise import AsIs, Standardise
from wsigraph.nn.views.base import Nodes, Seen, View

BLOCK = 16_384
"""Rows that go through the stem at a time where nothing is trained."""


class MILModel(nn.Module):
    """A slide classifier.

    The stem runs once per call and the message passing once per view; a view built on another
    shares its mask.

    Args:
        encoder: Node features to node embeddings.
        views: Ways to look at the batch, by name, each after the view it is built on.
        heads: Answers wanted, by name.
        predict_view: The view that predictions and heatmaps are made from.
        standardise: Puts inputs on one scale; ``Standardise`` without statistics where not given.

    Attributes:
        recomputes: True has each view's message passing computed again in the backward pass instead of kept:
            the same loss and gradients in less memory and more time.

    Raises: RecipeError: if a view is built on a later or unknown one, a mask stands on a mask, a head
        would read supernodes that the prediction view has not, or nothing gives the attention that a view
        asks for.
    """

    recomputes: bool = False

    def __init__(
        self,
        encoder: Encoder,
        *,
        views: Mapping[str, View],
        heads: Mapping[str, Head],
        predict_view: str = "clean",
        standardise: Standardise | AsIs | None = None,
    ) -> None:
        super().__init__()
        check_views(views)
        if predict_view not in views:
            raise RecipeError(expected("predict_view", f"one of {list(views)}", f"'{predict_view}'"))
        for name, head in heads.items():
            if head.reads == "supernodes" and not has_supernodes(views, predict_view):
                raise RecipeError(
                    expected(f"Head '{name}'", "a prediction view with supernodes", f"'{predict_view}'")
                )
        if encoder.mixes and any(view.supernodes == "adds" for view in views.values()):
            raise RecipeError(
                expected(
                    f"Encoder '{encoder.name}'",
                    "views without supernodes, since a patch hears its whole slide",
                    f"{list(views)}",
                )
            )
        self.standardise = Standardise(encoder.in_channels) if standardise is None else standardise
        self.encoder = encoder
        self.views = nn.ModuleDict(views)
        self.heads = nn.ModuleDict(heads)
        self.predict_view = predict_view
        self.attending = check_attention(views, heads, encoder)

    def forward(self, graph: Data) -> BagOutput:
        """The prediction view of a graph or a batch of graphs, with every head; without heads, its nodes."""
        return self.look(graph, {self.predict_view: tuple(self.heads) or (None,)})[self.predict_view]

    def look(
        self,
        graph: Data,
        wanted: Mapping[str, tuple[str | None, ...]],
        *,
        masks: Mapping[str, Tensor] | None = None,
        done: float = 1.0,
    ) -> dict[str, BagOutput]:
        """Run several views of one batch.

        Args:
            graph: A graph or a PyG batch of graphs.
            wanted: Heads to evaluate, by view; None among them asks for the node embeddings.
            masks: Masks to use instead of drawn ones, ``[N]`` bool by view.
            done: Share of the epochs that lies behind, for views that change over training.

        Returns: One ``BagOutput`` per wanted view.
        """
        stem = self.encoder.start()
        nodes, asked = replace(self._nodes(graph, stem), done=done), dict(wanted)
        for name in self.needed(wanted):  # a view may ask where another one looks
            attends = self.views[name].attends
            if isinstance(attends, str):
                asked[attends] = tuple(dict.fromkeys((*asked.get(attends, ()), self.attending[attends])))
        seen: dict[str, Seen] = {}
        answers: dict[str, BagOutput] = {}
        for name in self.needed(asked):
            view = self.views[name]
            base = seen[view.base] if isinstance(view.base, str) else nodes.plain
            seen[name] = view(nodes, stem, base, (masks or {}).get(name))
            if name in asked:
                answers[name] = self._answer(nodes, seen[name], asked[name])
                nodes.attention[name] = _attention(answers[name])
        return {name: answers[name] for name in wanted}

    def needed(self, wanted: Mapping[str, object]) -> list[str]:
        """The wanted views and those they are built on, in order."""
        needed = set(wanted)
        for name in reversed(list(self.views)):
            if name in needed:
                view: View = self.views[name]  # type: ignore[assignment]
                needed |= {other for other in below(view) if other is not None}
        return [name for name in self.views if name in needed]

    def _answer(self, nodes: Nodes, seen: Seen, wanted: tuple[str | None, ...]) -> BagOutput:
        heads: dict[str, Head] = {name: self.heads[name] for name in wanted if name is not None}  # type: ignore[misc]
        reads_nodes = None in wanted or any(head.reads == "nodes" for head in heads.values())
        embedded = self._embed(seen, nodes=reads_nodes)
        return BagOutput(
            node_embedding=embedded.nodes,
            batch=nodes.batch,
            num_graphs=nodes.num_graphs,
            adjacency=nodes.adjacency,
            heads={name: ask(head, embedded, nodes) for name, head in heads.items()},
            mask=seen.mask,
            inputs=nodes.inputs,
        )

    def _embed(self, seen: Seen, *, nodes: bool) -> Embedded:
        if not (self.recomputes and torch.is_grad_enabled()):
            return self.encoder.embed(seen, nodes=nodes)

        def run(values: Tensor) -> Embedded:  # on a copy, which keeps no rows written out
            return self.encoder.embed(replace(seen, values=values), nodes=nodes)

        return checkpoint(run, seen.values, use_reentrant=False)

    def _nodes(self, graph: Data, stem: Callable[[Tensor], Tensor]) -> Nodes:
        x, batch, num_graphs = self.unpack(graph)
        pos = graph.pos if "pos" in graph else None
        adjacency = adjacency_of(graph, x)
        if isinstance(stem, RowMap):
            room = self._rows_with_room(x, stem, num_graphs)
            return Nodes(room[: len(x)], adjacency, batch, num_graphs, pos, room=room)
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or len(x) <= BLOCK:
            inputs = self.standardise(x)
            return Nodes(stem(inputs), adjacency, batch, num_graphs, pos, inputs)
        return Nodes(self._rows(x, stem), adjacency, batch, num_graphs, pos)

    def _rows_with_room(self, x: Tensor, stem: RowMap, room: int) -> Tensor:
        """The same, and room for some more rows below, so that supernodes join without a copy."""
        rows = stem.weight.new_empty(len(x) + room, len(stem.weight))
        for begin in range(0, len(x), BLOCK):
            end = min(begin + BLOCK, len(x))
            stem.into(self.standardise(x[begin:end]), rows[begin:end])
        return rows

    def _rows(self, x: Tensor, stem: Callable[[Tensor], Tensor]) -> Tensor:
        """Standardised and through the stem in blocks, so that half precision is never widened as a whole."""
        first = stem(self.standardise(x[:BLOCK]))
        rows = first.new_empty(len(x), first.shape[1])
        rows[:BLOCK] = first
        for begin in range(BLOCK, len(x), BLOCK):
            rows[begin : begin + BLOCK] = stem(self.standardise(x[begin : begin + BLOCK]))
        return rows

    def unpack(self, graph: Data) -> tuple[Tensor, Tensor, int]:
        """Features ``[N, in_channels]``, slide of each node ``[N]``, number of slides.

        Raises: GraphError: if the features have another width than the model's.
        """
        x = graph.x
        who = graph.slide_id if "slide_id" in graph else ""
        if x is None or x.ndim != 2 or x.shape[1] != self.encoder.in_channels:
            got = "no x" if x is None else f"{list(x.shape)}"
            raise GraphError(
                expected(
                    f"MILModel, slide {who!r}",
                    f"x of shape [N, {self.encoder.in_channels}]",
                    got,
                    todo="The model was built for another patch encoder.",
                )
            )
        batch = graph.batch if "batch" in graph and graph.batch is not None else None
        if batch is None:
            return x, torch.zeros(x.shape[0], dtype=torch.long, device=x.device), 1
        return x, batch, int(graph.num_graphs)


def adjacency_of(graph: Data, x: Tensor) -> Adjacency:
    """Edges of a graph, sorted; a graph may have none."""
    edges = graph.edge_index
    if edges is None:
        edges = torch.empty(2, 0, dtype=torch.long, device=x.device)
    return Adjacency.of(edges, x.shape[0])


def ask(head: Head, embedded: Embedded, nodes: Nodes) -> HeadOutput:
    """What a head says of the nodes or supernodes that it reads."""
    if head.reads == "nodes":
        return head(embedded.nodes, nodes.bags)
    slides = Bags(torch.arange(nodes.num_graphs, device=nodes.batch.device), nodes.num_graphs)
    return replace(head(embedded.supernodes, slides), attention=embedded.attention)


def _attention(answer: BagOutput) -> Tensor | None:
    """Where the view's first head looks, ``[N]``, without gradient."""
    given = [head.attention for head in answer.heads.values() if head.attention is not None]
    return given[0].detach().mean(1) if given else None
