"""One attention for each class, and one scorer that all classes share."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.class_pool import class_pool
from wsigraph.nn.layers.gated_scores import GatedScores


class SharedClassAttention(Head, name="shared_class_attention"):
    r"""Pool the patches once for each class by gated attention, and score all classes' vectors alike.

    .. math::  a_{ic} = \mathrm{softmax}_i\; w_c^\top (\tanh V h_i \odot \sigma(U h_i)), \quad
        h = W_e x + b_e, \quad z_c = \sum_i a_{ic} h_i, \quad y_c = v^\top z_c + b

    V and U are shared by the classes. The scorer does not know which class it scores: classes differ only in
    where they look, and a slide of one patch scores the same for all. Extra ``class_embedding`` ``[B, K, E]``
    holds z; ``embedding`` is its mean over the classes.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes.
        embed_channels: Width E of the linear map before the pool; 0 pools the rows as they are.
        hidden_channels: Width of the attention layer.
        dropout: Dropout of the gated activations.

    Shape: x ``[N, in_channels]`` -> logits ``[B, out_channels]``, attention ``[N, out_channels]``.
    Raises: GraphError: if a slide has no node.
    Source: HMIL (Jin et al. 2025), class-wise gated attention of either branch: coarse 256 wide on the rows
        as they are, fine 64 wide after a linear map to 256.
    """

    gives = frozenset({"logits", "embedding", "attention", "attention_logits", "class_embedding"})
    attends_by_class = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        embed_channels: int = 0,
        hidden_channels: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.class_channels = width = embed_channels or in_channels
        self.embed = nn.Linear(in_channels, embed_channels) if embed_channels else nn.Identity()
        self.scores = GatedScores(width, hidden_channels, out_channels=out_channels, dropout=dropout)
        self.classify = nn.Linear(width, 1)

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        h = self.embed(x)
        scores = self.scores(h)  # [N, K]
        pooled = class_pool(scores, h, bags, where="SharedClassAttention")
        return HeadOutput(
            logits=self.classify(pooled.embedding).squeeze(2),
            embedding=pooled.embedding.mean(1),
            attention=pooled.attention,
            attention_logits=scores,
            extras={"class_embedding": pooled.embedding},
        )
