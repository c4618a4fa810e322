"""MILModel: standardised inputs, one encoder, views of the batch, heads over the nodes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bag_output import BagOutput
from wsigraph.errors import GraphError, RecipeError, expected
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.standardise import Standardise
from wsigraph.nn.views.base import Nodes, Seen, View


class MILModel(nn.Module):
    """A slide classifier.

    The stem runs once per call and the message passing once per view; a view built on another
    shares its mask.

    Args:
        encoder: Node features to node embeddings.
        views: Ways to look at the batch, by name, each after the view it is built on.
        heads: Answers wanted, by name.
        predict_view: The view that predictions and heatmaps are made from.

    Raises: RecipeError: if a view is built on a later or unknown one.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        views: Mapping[str, View],
        heads: Mapping[str, Head],
        predict_view: str = "clean",
    ) -> None:
        super().__init__()
        earlier: list[str] = []
        for name, view in views.items():
            if view.base is not None and view.base not in earlier:
                raise RecipeError(
                    expected(
                        f"View '{name}'", f"a base among the views before it {earlier}", f"'{view.base}'"
                    )
                )
            earlier.append(name)
        if predict_view not in views:
            raise RecipeError(expected("predict_view", f"one of {earlier}", f"'{predict_view}'"))
        self.standardise = Standardise(encoder.in_channels)
        self.encoder = encoder
        self.views = nn.ModuleDict(views)
        self.heads = nn.ModuleDict(heads)
        self.predict_view = predict_view

    def forward(self, graph: Data) -> BagOutput:
        """The prediction view of a graph or a batch of graphs, with every head."""
        return self.look(graph, {self.predict_view: tuple(self.heads)})[self.predict_view]

    def look(
        self, graph: Data, wanted: Mapping[str, tuple[str, ...]], *, masks: Mapping[str, Tensor] | None = None
    ) -> dict[str, BagOutput]:
        """Run several views of one batch.

        Args:
            graph: A graph or a PyG batch of graphs.
            wanted: Heads to evaluate, by view; a view with no head gives node embeddings only.
            masks: Masks to use instead of drawn ones, ``[N]`` bool by view.

        Returns: One ``BagOutput`` per wanted view.
        """
        x, batch, num_graphs = self._unpack(graph)
        nodes = Nodes(self.encoder.stem(self.standardise(x)), _adjacency(graph, x), batch, num_graphs)
        seen = self._see(nodes, wanted, masks or {})
        return {view: self._answer(nodes, seen[view], heads) for view, heads in wanted.items()}

    def _see(
        self, nodes: Nodes, wanted: Mapping[str, tuple[str, ...]], masks: Mapping[str, Tensor]
    ) -> dict[str, Seen]:
        needed = set(wanted)
        for name in reversed(list(self.views)):  # bases of needed views are needed too
            base = self.views[name].base
            if name in needed and isinstance(base, str):
                needed.add(base)
        plain = Seen(nodes.h, nodes.adjacency, nodes.h.shape[0])
        seen: dict[str, Seen] = {}
        for name, view in self.views.items():
            if name in needed:
                base = view.base
                start = seen[base] if isinstance(base, str) else plain
                seen[name] = view(nodes, self.encoder.stem, start, masks.get(name))
        return seen

    def _answer(self, nodes: Nodes, seen: Seen, heads: tuple[str, ...]) -> BagOutput:
        embedding = self.encoder.propagate(seen.h, seen.adjacency)[: seen.num_nodes]
        return BagOutput(
            node_embedding=embedding,
            batch=nodes.batch,
            num_graphs=nodes.num_graphs,
            adjacency=nodes.adjacency,
            heads={name: self.heads[name](embedding, nodes.batch, nodes.num_graphs) for name in heads},
            mask=seen.mask,
        )

    def _unpack(self, graph: Data) -> tuple[Tensor, Tensor, int]:
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


def _adjacency(graph: Data, x: Tensor) -> Adjacency:
    edges = graph.edge_index
    if edges is None:
        edges = torch.empty(2, 0, dtype=torch.long, device=x.device)
    return Adjacency.of(edges, x.shape[0])
