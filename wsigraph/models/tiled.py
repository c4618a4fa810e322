"""A whole slide through a model, message passing a tile at a time: exact, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from wsigraph.data.bag_output import BagOutput
from wsigraph.errors import GraphError, expected
from wsigraph.graph.tiles import surrounded, tiles_of
from wsigraph.models.mil_model import MILModel, adjacency_of, ask
from wsigraph.nn.encoders.base import Embedded, HubAnswer, Round
from wsigraph.nn.heads.base import Head
from wsigraph.nn.views.base import Nodes, Seen

MAX_NODES = 200_000
"""Patches up to which a slide runs whole unless told otherwise."""

Rows = Callable[[Tensor], Tensor]
"""Some rows of a layer's input: nodes ``[n]``, ascending -> ``[n, C]``."""


@torch.no_grad()
def look_in_tiles(model: MILModel, graph: Data, *, max_nodes: int = MAX_NODES) -> BagOutput:
    """The prediction view of one slide: what ``model(graph)`` says, to rounding.

    The slide is cut into tiles of at most ``max_nodes`` patches. Each round of message passing runs tile by
    tile, on the tile and a halo as wide as the round looks far; rows before the first round are made where
    they are needed and never stand as a whole. Between rounds all rows are kept, ``[N, out_channels]``, and
    the heads pool over all of them. A supernode's attention is gathered over the tiles. An encoder that is
    one round of L hops keeps nothing between layers, and pays with a halo of L hops.

    The slide runs whole where it is no larger than a tile, where the encoder does not say how far it looks,
    where the prediction view needs all rows, or another view, first, and where a supernode stands near
    everything: in rounds of several hops, or with attention that cannot be gathered.

    Args:
        model: In evaluation mode.
        graph: One slide.
        max_nodes: Patches of a tile at most.

    Raises: GraphError: if the graph is a batch of several slides, or ``max_nodes`` is not positive.
    """
    x, batch, num_graphs = model.unpack(graph)
    if num_graphs != 1 or max_nodes < 1:
        got = f"{num_graphs} slides, {max_nodes} nodes"
        raise GraphError(expected("Tiles", "one slide and at least one node in a tile", got))
    rounds = model.encoder.rounds()
    if len(x) <= max_nodes or not rounds:
        return model(graph)
    stem = model.encoder.start()
    nodes, seen = _seen(model, graph, x, stem)
    if seen is None or not _cuttable(rounds, seen, attends=model.encoder.gives_attention):
        return model(graph)
    heads: dict[str, Head] = dict(model.heads.items())  # type: ignore[arg-type]
    passing = _Passing(seen, tiles_of(nodes.pos, len(x), max_nodes=max_nodes))
    embedded = passing.embed(
        rounds,
        _first_rows(lambda patches: stem(model.standardise(x[patches])), seen),
        nodes=seen.supernodes is None or any(head.reads == "nodes" for head in heads.values()),
    )
    return BagOutput(
        node_embedding=embedded.nodes,
        batch=batch,
        num_graphs=1,
        adjacency=nodes.adjacency,
        heads={name: ask(head, embedded, nodes) for name, head in heads.items()},
        mask=seen.mask,
    )


def _cuttable(rounds: Sequence[Round], seen: Seen, *, attends: bool) -> bool:
    if seen.supernodes is None:
        return True
    return max(one.hops for one in rounds) <= 1 and not (attends and rounds[-1].into_hub is None)


def _seen(model: MILModel, graph: Data, x: Tensor, stem: Rows) -> tuple[Nodes, Seen | None]:
    """The prediction view over rows that are not there yet; None where it asks for them."""
    one = stem(model.standardise(x[:1]))
    absent = torch.full_like(one, torch.nan).expand(len(x), -1)  # takes no memory; read, it would show
    batch = torch.zeros(len(x), dtype=torch.long, device=x.device)
    pos = graph.pos if "pos" in graph else None
    nodes = Nodes(absent, adjacency_of(graph, x), batch, 1, pos)
    names = model.needed({model.predict_view: ()})
    if any(model.views[name].attends is not None for name in names):
        return nodes, None
    seen: dict[str, Seen] = {}
    for name in names:
        view = model.views[name]
        base = seen[view.base] if isinstance(view.base, str) else nodes.plain
        seen[name] = view(nodes, stem, base, None)
    last = seen[model.predict_view]
    return nodes, last if last.values is absent else None


def _first_rows(of_patches: Rows, seen: Seen) -> Rows:
    """Rows before the first round, made when they are asked for."""

    def rows(nodes: Tensor) -> Tensor:
        patches = nodes[nodes < seen.num_nodes]
        h = of_patches(patches)
        if seen.mask is not None and seen.token is not None:
            h = torch.where(seen.mask[patches].unsqueeze(1), seen.token, h)
        if seen.supernodes is None or len(patches) == len(nodes):
            return h
        return torch.cat([h, seen.supernodes])

    return rows


@dataclass(frozen=True)
class _Passing:
    """Message passing over one view, a tile at a time.

    Args:
        seen: The view.
        tiles: Patches of each tile.
    """

    seen: Seen
    tiles: Sequence[Tensor]

    def embed(self, rounds: Sequence[Round], rows: Rows, *, nodes: bool) -> Embedded:
        """All rounds in turn; see ``Encoder.embed``."""
        n, out, attention = self.seen.num_nodes, None, None
        for number, one in enumerate(rounds):
            read = nodes or number < len(rounds) - 1
            out, attention = self._round(one, rows, patches=read)
            rows = out.__getitem__
        assert out is not None
        if self.seen.supernodes is None:
            return Embedded(out)
        return Embedded(out[:n] if nodes else None, out[n:] if nodes else out[-1:], attention)

    def _round(self, one: Round, rows: Rows, *, patches: bool) -> tuple[Tensor, Tensor | None]:
        """Rows after one round, the supernode's last; the supernode's alone where no other is read."""
        seen, hub = self.seen, self._hub(one, rows)
        kept = None
        for tile in self.tiles:
            if patches:
                own, after = self._tile(one, rows, tile)
                kept = after.new_empty(seen.adjacency.num_nodes, after.shape[1]) if kept is None else kept
                kept[tile] = after
            else:
                own = rows(tile)
            if hub is not None:
                hub.add(tile, own)
        if seen.supernodes is None:
            assert kept is not None
            return kept, None
        if hub is not None:
            last, attention = hub.result()
        else:  # all patches at once are what this encoder's supernode needs
            last, attention = self._tile(one, rows, self._supernode())[1], None
        if kept is None:
            return last, attention
        kept[seen.num_nodes :] = last
        return kept, attention

    def _tile(self, one: Round, rows: Rows, tile: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of a tile before and after one round."""
        part = surrounded(self.seen.adjacency, tile, hops=one.hops)
        h = rows(part.nodes)
        return h[part.own], one.run(h, part.adjacency)[part.own]

    def _hub(self, one: Round, rows: Rows) -> HubAnswer | None:
        if self.seen.supernodes is None or one.into_hub is None:
            return None
        return one.into_hub(rows(self._supernode()), self.seen.num_nodes)

    def _supernode(self) -> Tensor:
        return torch.full((1,), self.seen.num_nodes, device=self.seen.adjacency.edge_index.device)
