"""Two streams: the highest patch of each class, and all patches by their likeness to it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.data.shown_classes import shown_classes
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.weighted_sums import weighted_sums


class DSMIL(Head, name="dsmil"):
    r"""Score patches, find each class's critical patch, and attend to the patches that resemble it.

    .. math::  s_{ic} = w_c^\top x_i + b_c, \quad m_c = \arg\max_i s_{ic}, \quad
        a_{ic} = \mathrm{softmax}_i\; q_i^\top q_{m_c} / \sqrt{Q}, \quad z_c = \sum_i a_{ic} v_i, \quad
        y = \tfrac12 (s_{m_c c} + W [z_1 \ldots z_K] + b)

    with :math:`q_i = W_q x_i + b_q` and :math:`v_i = W_v x_i + b_v`. The two streams' logits are extras
    ``instance_stream`` and ``bag_stream``, ``[B, K]``; training needs a term for each. ``node_logits`` are s,
    ``embedding`` is the mean of z over the classes. Since attention sums to 1, :math:`W_v` is applied once to
    each sum and not to each patch, which says the same.

    A background class is what a slide is where no patch shows another class, so no patch can show it: its
    scores are 0 and it has no critical instance. Then the instance stream's softmax of two classes is the
    sigmoid of the highest patch, as the method has it for one positive class.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes K.
        query_channels: Width of the queries Q.
        dropout: Dropout of the rows that values are made from.
        background: Number of the background class; None where every class shows in patches.

    Shape: x ``[N, in_channels]`` -> logits ``[B, K]``, node_logits ``[N, K]``, attention ``[N, K]``, or
        ``[N, K - 1]`` with a background.
    Raises: GraphError: if a slide has no node. RecipeError: if the background is none of several classes.
    Source: Li et al. 2021 (DSMIL), the aggregator, with the scale of the queries' product and the bag
        classifier over the vectors of all classes of the authors' code. Differs: where the code has a second,
        non-linear layer of the queries and a ReLU on the values as options, the paper's linear maps are
        taken; logits of the two streams are averaged, where the code averages their sigmoids.
    """

    gives = frozenset(
        {
            "logits",
            "embedding",
            "attention",
            "attention_logits",
            "node_logits",
            "instance_stream",
            "bag_stream",
        }
    )

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        query_channels: int = 128,
        dropout: float = 0.0,
        background: int | None = None,
    ) -> None:
        super().__init__()
        shown = len(shown_classes(out_channels, background, where="DSMIL"))
        self.background = background
        self.attends_by_class = background is None
        self.instance = nn.Linear(in_channels, shown)
        self.query = nn.Linear(in_channels, query_channels)
        self.dropout = nn.Dropout(dropout)
        self.value = nn.Linear(in_channels, in_channels)
        self.classify = nn.Linear(in_channels * shown, out_channels)

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        bags.require_rows(where="DSMIL")
        shown, queries = self.instance(x), self.query(x)  # [N, classes that show], [N, Q]
        highest, likeness = [], []
        for scores, of_slide in zip(bags.split(shown), bags.split(queries), strict=True):
            critical = scores.argmax(0)  # [classes that show]
            highest.append(scores.gather(0, critical.unsqueeze(0)))
            likeness.append(of_slide @ of_slide[critical].T / math.sqrt(queries.shape[1]))
        attention_logits = torch.cat(likeness)
        attention = softmax(attention_logits, bags.batch, num_nodes=bags.num_graphs)
        pooled = self.value(weighted_sums(attention, self.dropout(x), bags))  # [B, .., C]
        instance_stream, bag_stream = self._all(torch.cat(highest)), self.classify(pooled.flatten(1))
        return HeadOutput(
            logits=(instance_stream + bag_stream) / 2,
            embedding=pooled.mean(1),
            attention=attention,
            attention_logits=attention_logits,
            node_logits=self._all(shown),
            extras={"instance_stream": instance_stream, "bag_stream": bag_stream},
        )

    def _all(self, shown: Tensor) -> Tensor:
        """Columns of the classes that show -> columns of all classes, 0 for the background."""
        if self.background is None:
            return shown
        before, after = shown[:, : self.background], shown[:, self.background :]
        return torch.cat([before, shown.new_zeros(len(shown), 1), after], dim=1)
