"""Graph attention encoder, SRMIL's backbone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, cast

import torch
from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Embedded, Encoder, Round
from wsigraph.nn.layers.first_layer import first_layer
from wsigraph.nn.layers.gat import GATLayer
from wsigraph.nn.layers.hub_sum import HubSum
from wsigraph.nn.layers.into_supernodes import attention_into, into_supernodes
from wsigraph.nn.row_map import RowMap
from wsigraph.nn.views.base import Seen


class GAT(Encoder, name="gat"):
    r"""A linear stem and graph attention layers with residual, LayerNorm and PReLU.

    .. math::  h^0 = W_0 x, \quad h^{l+1} = \mathrm{PReLU}(\mathrm{LN}(\mathrm{GAT}_l(h^l, E) + R_l h^l))

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers, a multiple of ``heads``.
        heads: Attention heads per layer.
        num_layers: Rounds of message passing.
        stem: ``"linear"`` to ``hidden_channels``, or ``"reformer"``, SRMIL's square map of the features.
        residuals: R of each layer, ``"identity"`` (linear where widths differ), ``"linear"`` or ``"none"``;
            the identity everywhere where not given.
        feature_dropout: Dropout of each layer's input.
        attention_dropout: Dropout of the attention weights.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if ``hidden_channels`` is no multiple of ``heads``, or ``residuals`` are not one per
        layer.
    Source: Velickovic et al. 2018; sizes, dropouts and initialisation of SRMIL (Wu et al. 2026). Differs:
        with the defaults both layers keep their residual, which SRMIL's code loses in the second.
    """

    gives_attention = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        heads: int = 4,
        num_layers: int = 2,
        stem: Literal["linear", "reformer"] = "linear",
        residuals: Sequence[Literal["none", "identity", "linear"]] | None = None,
        feature_dropout: float = 0.11,
        attention_dropout: float = 0.15,
    ) -> None:
        super().__init__()
        if residuals is None:
            residuals = ["identity"] * num_layers
        _check(hidden_channels, heads, num_layers=num_layers, stem=stem, residuals=residuals)
        self.in_channels, self.reforms = in_channels, stem == "reformer"
        self.stem_channels = in_channels if stem == "reformer" else hidden_channels
        self.out_channels, self.num_hops = hidden_channels, num_layers
        self.linear = nn.Linear(in_channels, self.stem_channels)
        if stem == "reformer":
            nn.init.xavier_uniform_(self.linear.weight, gain=math.sqrt(2))
        widths = (self.stem_channels, *(hidden_channels,) * (num_layers - 1))
        self.layers = nn.ModuleList(
            GATLayer(
                width,
                hidden_channels // heads,
                heads=heads,
                residual=residual,
                feature_dropout=feature_dropout,
                attention_dropout=attention_dropout,
            )
            for width, residual in zip(widths, residuals, strict=True)
        )
        self._fold: tuple[tuple[tuple[int, int], ...], RowMap] | None = None

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, stem_channels]``."""
        return self.linear(x)

    def start(self) -> Callable[[Tensor], Tensor]:
        """The stem; where nothing is trained, reformer and first projection as one matrix."""
        if not self._folds():
            return self.stem
        first = cast(GATLayer, self.layers[0])
        sources = [*self.linear.parameters(), first.project.weight, first.attend_src, first.attend_dst]
        maps = [] if first.shortcut is None else [first.shortcut.weight]
        # a weight that is written to, or moved, has another version or place
        state = tuple((w.data_ptr(), w._version) for w in (*sources, *maps) if not w.is_inference())
        if self._fold is None or self._fold[0] != state or len(state) < len(sources) + len(maps):
            with torch.autocast(self.linear.weight.device.type, enabled=False):  # in full precision
                both = torch.cat([first.packed_weight(), *maps])
                self._fold = state, RowMap(both @ self.linear.weight, both @ self.linear.bias)
        return self._fold[1]

    def _folds(self) -> bool:
        """No dropout stands between the square stem and the first projection, and nothing is trained."""
        several = len(self.layers) > 1 and self.layers[0].residual != "identity"
        return self.reforms and several and not self.training and not torch.is_grad_enabled()

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Attend to neighbours: ``[N, stem_channels]`` -> ``[N, hidden_channels]``."""
        for layer in self.layers:
            h = layer(h, adjacency)
        return h

    def propagate_with_attention(self, h: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor | None]:
        """Layer after layer, and the attention of the last."""
        *inner, last = cast(Sequence[GATLayer], self.layers)
        for layer in inner:
            h = layer(h, adjacency)
        return last.with_attention(h, adjacency)

    def embed(self, seen: Seen, *, nodes: bool = True) -> Embedded:
        """One view; the last layer runs into the supernodes alone where nothing else is read."""
        first, *inner = cast(Sequence[GATLayer], self.layers)
        if inner:
            *inner, last = inner
            h = self._first(first, seen)
        else:
            h, last = seen.h, first
        for layer in inner:
            h = layer(h, seen.adjacency)
        n = seen.num_nodes
        if seen.supernodes is None:
            return Embedded(last(h, seen.adjacency))
        if not nodes:
            return Embedded(None, *into_supernodes(last, h, seen.adjacency, num_nodes=n))
        out, attention = last.with_attention(h, seen.adjacency)
        return Embedded(out[:n], out[n:], attention_into(attention, seen.adjacency, num_nodes=n))

    def _first(self, layer: GATLayer, seen: Seen) -> Tensor:
        return self._folded(seen.h, seen.adjacency) if self._folds() else first_layer(layer, seen)

    def _folded(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """The first layer on projections, logits and residual of every row, side by side."""
        layer = cast(GATLayer, self.layers[0])
        out, _ = layer.attend_packed(h[:, : self.out_channels + 2 * layer.heads], adjacency)
        return layer.finish(out, self._folded_residual(h))

    def _folded_residual(self, h: Tensor) -> Tensor | None:
        layer = cast(GATLayer, self.layers[0])
        return h[:, self.out_channels + 2 * layer.heads :] if layer.shortcut is not None else None

    def rounds(self) -> tuple[Round, ...]:
        """One per layer."""
        layers = cast(Sequence[GATLayer], self.layers)
        rounds = [Round(layer, 1, partial(HubSum, layer)) for layer in layers]
        if self._folds():
            rounds[0] = Round(self._folded, 1, self._folded_hub)
        return tuple(rounds)

    def _folded_hub(self, hub: Tensor, num_nodes: int) -> HubSum:
        layer = cast(GATLayer, self.layers[0])
        columns = torch.eye(self.out_channels, hub.shape[1], dtype=hub.dtype, device=hub.device)
        weight = columns.view(layer.heads, layer.head_channels, -1)  # rows hold the projections already
        return HubSum(layer, hub, num_nodes, weight=weight, residual=self._folded_residual(hub))


def _check(hidden_channels: int, heads: int, *, num_layers: int, stem: str, residuals: Sequence[str]) -> None:
    where = "Encoder 'gat'"
    if hidden_channels % heads:
        raise RecipeError(
            expected(where, f"hidden_channels divisible by {heads} heads", f"{hidden_channels}")
        )
    if stem not in ("linear", "reformer"):
        raise RecipeError(expected(where, "a stem 'linear' or 'reformer'", f"'{stem}'"))
    known = {"none", "identity", "linear"}
    if num_layers < 1 or len(residuals) != num_layers or not set(residuals) <= known:
        raise RecipeError(
            expected(
                where, f"{num_layers} residuals among {sorted(known)}, one per layer", f"{list(residuals)}"
            )
        )
