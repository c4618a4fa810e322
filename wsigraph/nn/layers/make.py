"""A layer by its name, graph attention among them."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import UnknownPartError, expected
from wsigraph.nn.layers.at_rows import at_rows
from wsigraph.nn.layers.base import Layer
from wsigraph.nn.layers.gat import GATLayer


def layer_names() -> list[str]:
    """Kinds of layers, sorted."""
    return sorted([*Layer.registry.names(), "gat"])


def sees_neighbours(name: str) -> bool:
    """Whether a kind of layer reads edges.

    Raises: UnknownPartError: if there is no such kind; the message lists those there are.
    """
    if name not in layer_names():
        raise UnknownPartError(expected("Layer", f"one of {layer_names()}", f"'{name}'"))
    return name == "gat" or Layer.registry.get(name).uses_edges


def make_layer(
    name: str,
    in_channels: int,
    out_channels: int,
    *,
    heads: int,
    feature_dropout: float,
    attention_dropout: float,
    plain: bool = False,
) -> GATLayer | Layer:
    """A new layer without residual.

    Args:
        name: One of ``layer_names()``.
        in_channels: Channels of each node.
        out_channels: Channels of the output.
        heads: Heads of layers that attend; the others have none.
        feature_dropout: Dropout of the input.
        attention_dropout: Dropout of the weights of layers that attend.
        plain: True leaves out norm and activation.

    Raises: UnknownPartError: if there is no such kind; the message lists those there are.
    """
    sees_neighbours(name)  # refuses an unknown one
    around = {"feature_dropout": feature_dropout, "plain": plain}
    if name == "gat":
        width = out_channels // heads
        return GATLayer(
            in_channels,
            width,
            heads=heads,
            feature_dropout=feature_dropout,
            attention_dropout=attention_dropout,
            plain=plain,
        )
    kind = Layer.registry.get(name)
    if kind.attends:
        return kind(in_channels, out_channels, heads=heads, attention_dropout=attention_dropout, **around)
    return kind(in_channels, out_channels, **around)


def rows_of(layer: GATLayer | Layer, x: Tensor, adjacency: Adjacency, rows: Tensor) -> Tensor:
    """The layer's output at some rows: ``layer(x, adjacency)[rows]``."""
    if isinstance(layer, GATLayer):
        return at_rows(layer, x, adjacency, rows)
    return layer(x, adjacency)[rows]
