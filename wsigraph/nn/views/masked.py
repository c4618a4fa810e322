"""Some patches replaced by a learned token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from wsigraph.errors import GraphError, RecipeError, expected
from wsigraph.nn.masks.base import MaskDraw
from wsigraph.nn.schedule import Schedule
from wsigraph.nn.views.base import Nodes, Seen, View


class Masked(View, name="masked"):
    r"""Replace a share of each slide's rows by one learned token, before the stem.

    The stem is row-wise, so the token goes through it once and takes its place among the stem's rows:
    the same numbers as replacing rows of ``x``, without a copy of ``x``.

    Args:
        in_channels: Channels of each patch.
        rate: Share of patches to replace; floor(rate n) of a slide's n patches.
        token_std: Standard deviation of the token's start.
        base: The view it is built on; the plain batch where None.
        mask: Which patches: ``"uniform"``, ``"blocks"``, ``"high_attention"`` or another registered draw, by
            name, or with its options ``{"name": "blocks", "block_patches": 32}``.
        rate_end: Share in the last epoch, to which the rate moves from ``rate`` in the first; None keeps it.
        rate_shape: ``"linear"`` or ``"cosine"``, how it moves.

    In evaluation mode the rate is that of the last epoch, whatever the epoch: validation asks every epoch the
    same task.

    Shape: mask ``[N]`` bool, drawn per slide and call.
    Source: SRMIL (Wu et al. 2026), rate 0.7, uniform, token from N(0, 0.01^2).
    """

    draws_mask = True

    def __init__(
        self,
        in_channels: int,
        *,
        rate: float = 0.7,
        token_std: float = 0.01,
        base: str | None = None,
        mask: str | Mapping[str, Any] = "uniform",
        rate_end: float | None = None,
        rate_shape: Literal["linear", "cosine"] = "linear",
    ) -> None:
        super().__init__()
        self.base = base
        for share in (rate, rate if rate_end is None else rate_end):
            if not 0.0 <= share <= 1.0:
                raise RecipeError(expected("View 'masked'", "a rate between 0 and 1", f"{share}"))
        self.rate = rate
        self.schedule = Schedule(rate, rate_end, rate_shape)
        self.draw: MaskDraw = MaskDraw.registry.make(mask)
        self.attends = self.draw.attends
        self.token = nn.Parameter(torch.randn(1, in_channels) * token_std)

    def forward(
        self, nodes: Nodes, stem: Callable[[Tensor], Tensor], seen: Seen, mask: Tensor | None
    ) -> Seen:
        """Draw a mask (unless one is given) and put the token in its place."""
        if mask is None:
            rate = self.schedule.after(nodes.done if self.training else 1.0)
            mask = self.draw.draw(nodes, rate=rate)
        elif mask.shape != nodes.batch.shape or mask.dtype != torch.bool:
            raise GraphError(
                expected(
                    "View 'masked'", f"a bool mask of shape {list(nodes.batch.shape)}", f"{list(mask.shape)}"
                )
            )
        return replace(seen, mask=mask, token=stem(self.token).to(seen.values.dtype))
