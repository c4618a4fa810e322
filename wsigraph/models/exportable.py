"""A model in plain torch operations on one slide, as ``torch.export`` wants it."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.models.mil_model import MILModel, ask
from wsigraph.nn.encoders.base import Embedded
from wsigraph.nn.views.base import Nodes, Seen


class Exportable(nn.Module):
    """The prediction view of one slide, from features and edges to probabilities.

    Everything is written without a choice that depends on the numbers: edges are sorted whether or not they
    need it, and a loop given beside those that are added is led into a spare node that nobody reads. Equal to
    the model's own answer to rounding.

    Args:
        model: A trained model; its first head answers.
        self_loops: Whether each patch gets an edge from itself.

    Shape: x ``[N, in_channels]``, edge_index ``[2, E]`` int64, row 0 source -> row 1 target -> probabilities
        ``[K]``, logits ``[K]``, attention ``[N, H]`` (columns sum to 1) where the model has one.
    Raises: RecipeError: if there is no head, or the prediction view masks patches or asks where another view
        looks.
    """

    def __init__(self, model: MILModel, *, self_loops: bool) -> None:
        super().__init__()
        self.model, self.self_loops = model, self_loops and model.encoder.uses_edges
        if not len(model.heads):
            raise RecipeError(expected("Export", "a head that answers", "none"))
        self._refuse_what_reads_more()
        for name in model.needed({model.predict_view: ()}):
            if model.views[name].draws_mask or model.views[name].attends is not None:
                raise RecipeError(
                    expected("Export", "a prediction view that reads one slide as it is", f"view '{name}'")
                )

    def forward(self, x: Tensor, edge_index: Tensor) -> dict[str, Tensor]:
        """Answer for one slide."""
        n, encoder = x.shape[0], self.model.encoder
        h = encoder.stem(self.model.standardise(x))
        if self.self_loops:
            edge_index = _with_loops(edge_index, n)
            h = torch.cat([h, torch.zeros_like(h[:1])])  # the spare node
        batch = torch.zeros(n, dtype=torch.long, device=x.device)
        nodes = _OneSlide(h, _sorted(edge_index, h.shape[0]), batch, 1)
        seen = self._view(nodes)
        out, attention = encoder.propagate_with_attention(seen.h, seen.adjacency)
        embedded = Embedded(out[:n])
        if seen.supernodes is not None:  # edges from the patches into it come last
            into = None if attention is None else attention[-n:]
            embedded = Embedded(out[:n], out[h.shape[0] :], into)
        answer = ask(next(iter(self.model.heads.values())), embedded, nodes)  # type: ignore[arg-type]
        given = {"probabilities": answer.logits.softmax(-1)[0], "logits": answer.logits[0]}
        return given if answer.attention is None else given | {"attention": answer.attention}

    def _refuse_what_reads_more(self) -> None:
        encoder, head = self.model.encoder, next(iter(self.model.heads.values()))
        parts = {f"encoder '{encoder.name}'": encoder, f"head '{head.name}'": head}
        for who, part in parts.items():
            reads = "positions" if part.uses_pos else "edges" if part.uses_edges else ""
            meets_spare = part is head or (encoder.mixes and self.self_loops)  # the node that nobody reads
            if reads == "positions" or (reads and meets_spare):
                raise RecipeError(
                    expected(
                        "Export",
                        "patches that read features and the edges they pass on",
                        f"{who} reads {reads}",
                    )
                )

    def _view(self, nodes: Nodes) -> Seen:
        seen: dict[str, Seen] = {}
        for name in self.model.needed({self.model.predict_view: ()}):
            view = self.model.views[name]
            base = seen[view.base] if isinstance(view.base, str) else nodes.plain
            seen[name] = view(nodes, self.model.encoder.stem, base, None)
        return seen[self.model.predict_view]


class _OneSlide(Nodes):
    """One slide; ``batch`` counts no spare node."""

    @cached_property
    def with_supernodes(self) -> Adjacency:
        """Edges between the supernode, which is the last node, and all patches; those into it come last."""
        patches = torch.arange(self.batch.shape[0], device=self.h.device)
        hub = torch.full_like(patches, self.adjacency.num_nodes)
        both = torch.stack([torch.cat([hub, patches]), torch.cat([patches, hub])])
        return _sorted(torch.cat([self.adjacency.edge_index, both], 1), self.adjacency.num_nodes + 1)


def _sorted(edge_index: Tensor, num_nodes: int) -> Adjacency:
    """Edges by target, otherwise in their order."""
    return Adjacency(edge_index[:, torch.argsort(edge_index[1], stable=True)], num_nodes)


def _with_loops(edge_index: Tensor, num_nodes: int) -> Tensor:
    """One loop at each node; those given go to node ``num_nodes``."""
    source, target = edge_index[0], edge_index[1]
    loops = torch.arange(num_nodes, device=edge_index.device)
    target = torch.where(source == target, num_nodes, target)
    return torch.stack([torch.cat([source, loops]), torch.cat([target, loops])])
