"""A slide as a graph: a PyG ``Data`` that carries all a heatmap needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch_geometric.data import Data

from wsigraph.errors import GraphError, expected

if TYPE_CHECKING:
    from wsigraph.data.graph_card import GraphCard


class SpatialGraph(Data):
    """Patches as nodes, neighbourhood as edges.

    Args:
        x: ``[N, C]`` node features.
        edge_index: ``[2, E]``, row 0 source -> row 1 target (an ``EdgeIndex`` sorted by column).
        pos: ``[N, 2]`` patch centres; None where the features have no coordinates.
        patch_size: Side of a patch, NaN where unknown.
        mpp: Microns per level-0 pixel, NaN where unknown (None would break batching).
        slide_id: Name of the slide.

    Any further attribute (``y``, ``patient_id``, ``builder`` ...) is kept as PyG keeps it.

    Units: level-0 pixels for ``pos`` and ``patch_size``; um/px for ``mpp``.
    Raises: GraphError: if lengths disagree.
    """

    def __init__(
        self,
        x: Tensor | None = None,
        edge_index: Tensor | None = None,
        *,
        pos: Tensor | None = None,
        patch_size: float = math.nan,
        mpp: float = math.nan,
        slide_id: str = "",
        **extra: Any,
    ) -> None:
        super().__init__(x=x, edge_index=edge_index, pos=pos, **extra)
        if x is None:  # PyG builds empty objects while it separates and copies
            return
        self.patch_size = float(patch_size)
        self.mpp = float(mpp)
        self.slide_id = slide_id
        if pos is not None and pos.shape != (x.shape[0], 2):
            raise GraphError(
                expected(
                    f"SpatialGraph '{slide_id}'",
                    f"pos of shape [{x.shape[0]}, 2] ({x.shape[0]} rows of x)",
                    f"{list(pos.shape)}",
                    todo="Features and coordinates must come from the same run.",
                )
            )
        if edge_index is not None and edge_index.numel() and int(edge_index.max()) >= x.shape[0]:
            raise GraphError(
                expected(
                    f"SpatialGraph '{slide_id}'",
                    f"edges among {x.shape[0]} nodes",
                    f"index {int(edge_index.max())}",
                )
            )

    def card(self) -> GraphCard:
        """Facts about this graph, with warnings: see ``GraphCard``."""
        from wsigraph.data.graph_card import describe

        return describe(self)
