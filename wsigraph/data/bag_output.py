"""What a model says of a batch of slides, in one view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected


@dataclass(frozen=True)
class HeadOutput:
    """One head's answer.

    Args:
        logits: ``[B, K]``, one row per slide.
        embedding: ``[B, C]`` bag vectors.
        attention: ``[N, H]``, each column sums to 1 per slide; None where the method defines none.
        attention_logits: ``[N, H]`` before the softmax, or None.
        node_logits: ``[N, K]``, or None where the method defines none.
        extras: What the method's own terms read, by name: losses, branches, pseudo-bags.
    """

    logits: Tensor
    embedding: Tensor
    attention: Tensor | None = None
    attention_logits: Tensor | None = None
    node_logits: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class BagOutput:
    """One view of a batch through the model.

    Args:
        node_embedding: ``[N, C]`` encoder output at the real nodes; None where only supernodes were read.
        batch: ``[N]`` slide of each node.
        num_graphs: Number of slides B.
        adjacency: Edges among the real nodes.
        heads: Answers by head name.
        mask: ``[N]`` bool, nodes whose input this view replaced; None where it replaced none.
        inputs: ``[N, F]`` standardised features, one tensor for all views; None where never there as a whole.
    """

    node_embedding: Tensor | None
    batch: Tensor
    num_graphs: int
    adjacency: Adjacency
    heads: dict[str, HeadOutput] = field(default_factory=dict)
    mask: Tensor | None = None
    inputs: Tensor | None = None

    @property
    def nodes(self) -> Tensor:
        """Node embeddings ``[N, C]``.

        Raises: RecipeError: if nobody asked for them when the view was run.
        """
        if self.node_embedding is None:
            raise RecipeError(expected("BagOutput", "node embeddings", "none: only supernodes were read"))
        return self.node_embedding

    @property
    def masked(self) -> Tensor:
        """The mask ``[N]``.

        Raises: RecipeError: if the view replaced no node.
        """
        if self.mask is None:
            raise RecipeError(expected("BagOutput", "a view that masks", "one that replaced no node"))
        return self.mask

    def head(self, name: str | None = None) -> HeadOutput:
        """The head called ``name``, or the only one.

        Raises: RecipeError: if there is no such head, or several and no name.
        """
        if name is None and len(self.heads) == 1:
            return next(iter(self.heads.values()))
        if name not in self.heads:
            raise RecipeError(expected("BagOutput", f"one head of {sorted(self.heads)}", f"{name!r}"))
        return self.heads[name]

    @property
    def logits(self) -> Tensor:
        """Logits ``[B, K]`` of the only head."""
        return self.head().logits

    @property
    def attention(self) -> Tensor | None:
        """Attention ``[N, H]`` of the only head."""
        return self.head().attention
