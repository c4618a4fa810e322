"""One attention and one classifier for each class."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.class_pool import class_pool
from wsigraph.nn.layers.gated_scores import GatedScores


class ClassAttention(Head, name="class_attention"):
    r"""Pool the patches once for each class by gated attention, and score each class on its own vector.

    .. math::  a_{ic} = \mathrm{softmax}_i\; w_c^\top (\tanh V x_i \odot \sigma(U x_i)), \quad
        z_c = \sum_i a_{ic} x_i, \quad y_c = v_c^\top z_c + b_c

    V and U are shared by the classes. Extra ``class_embedding`` ``[B, K, C]`` holds z; ``embedding`` is its
    mean over the classes.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes.
        hidden_channels: Width of the attention layer.
        dropout: Dropout of the gated activations.

    Shape: x ``[N, in_channels]`` -> logits ``[B, out_channels]``, attention ``[N, out_channels]``.
    Raises: GraphError: if a slide has no node.
    Source: CLAM (Lu et al. 2021), the multi-branch model. Differs: dropout once, on the product of the two
        branches of the gate, not on each.
    """

    gives = frozenset({"logits", "embedding", "attention", "attention_logits", "class_embedding"})
    attends_by_class = True

    def __init__(
        self, in_channels: int, out_channels: int, *, hidden_channels: int = 256, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.class_channels = in_channels
        self.scores = GatedScores(in_channels, hidden_channels, out_channels=out_channels, dropout=dropout)
        self.classify = nn.Linear(in_channels, out_channels)  # row c reads the vector of class c alone

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        scores = self.scores(x)  # [N, K]
        pooled = class_pool(scores, x, bags, where="ClassAttention")
        return HeadOutput(
            logits=(pooled.embedding * self.classify.weight).sum(2) + self.classify.bias,
            embedding=pooled.embedding.mean(1),
            attention=pooled.attention,
            attention_logits=scores,
            extras={"class_embedding": pooled.embedding},
        )
