"""R2T: patches embedded anew by attention inside and across regions of their slide."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.sequenced import Sequenced
from wsigraph.nn.layers.region_attention import CrossRegionAttention, RegionAttention
from wsigraph.nn.layers.regions import square_regions


class RRT(Sequenced, name="rrt"):
    r"""Embed each patch, let it hear its region, then all regions.

    .. math::  h = \mathrm{drop}(\mathrm{ReLU}(W x)), \quad h' = h + \mathrm{R}(\mathrm{LN}\,h), \quad
        \mathrm{LN}(h' + \mathrm{CR}(\mathrm{LN}\,h'))

    with R of ``RegionAttention`` and CR of ``CrossRegionAttention``. The patches of a slide in raster order
    fill a square row by row, which is cut into regions; where tissue is ragged, a region of the square is not
    a square of tissue.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        num_layers: Layers of attention inside regions.
        heads: Heads of every attention.
        regions: Regions along each side of the square.
        kernel: Patches of a region that the position encoding spans, odd.
        sums: Sums of each region that attend to those of others.
        dropout: Dropout of the embedding.
        attention_dropout: Dropout of every attention's output.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``. Time grows with the square of a slide's patches
        over its number of regions (64), memory with the patches.
    Raises: RecipeError: if the heads do not divide the width, or there is no region. GraphError: if there are
        no positions.
    Source: Tang et al. 2024, section 3, and the authors' code (commit 1ccae3e). Differs: patches in raster
        order, where the authors' code takes the order of the file, so the answer does not depend on it; no
        zero rows in any attention; weights start as torch draws them; without the code's optional shortcut
        around all layers.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 512,
        num_layers: int = 1,
        heads: int = 8,
        regions: int = 8,
        kernel: int = 15,
        sums: int = 3,
        dropout: float = 0.25,
        attention_dropout: float = 0.1,
    ) -> None:
        super().__init__(in_channels, hidden_channels, activation=nn.ReLU(), dropout=dropout)
        if regions < 1:
            raise RecipeError(expected("Encoder 'rrt'", "at least 1 region along each side", f"{regions}"))
        self.regions = regions
        self.inside = nn.ModuleList(
            RegionAttention(hidden_channels, heads=heads, kernel=kernel, dropout=attention_dropout)
            for _ in range(num_layers)
        )
        self.across = CrossRegionAttention(hidden_channels, heads=heads, sums=sums, dropout=attention_dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(num_layers + 2))

    def along(self, rows: Tensor) -> Tensor:
        """Attention inside the regions of one slide, then across them."""
        h, regions = rows, square_regions(len(rows), self.regions, device=rows.device)
        *norms, before, last = self.norms
        for norm, layer in zip(norms, self.inside, strict=True):
            h = h + layer(norm(h), regions)
        return last(h + self.across(before(h), regions))
