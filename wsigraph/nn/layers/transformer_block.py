"""One block of a vision transformer over short sequences of tokens."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.nn.layers.multihead import attend, head_width, merge_heads, split_heads


class TransformerBlock(nn.Module):
    r"""Self-attention and a two-layer map of each token, each after a LayerNorm and beside a residual.

    .. math::  t' = t + \mathrm{MHSA}(\mathrm{LN}(t)), \quad
               t'' = t' + W_2\,\mathrm{GELU}(W_1 \mathrm{LN}(t'))

    Args:
        channels: Width of the tokens.
        heads: Attention heads.
        widening: Width of the two-layer map's middle, in widths of the tokens.
        dropout: Dropout after the attention and in the two-layer map.

    Shape: t ``[B, T, channels]`` -> the same; time grows with T squared.
    Raises: RecipeError: if the heads do not divide the width.
    Source: Dosovitskiy et al. 2021, eq. 2-3. Differs: no bias in queries, keys and values.
    """

    def __init__(self, channels: int, *, heads: int = 8, widening: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        head_width(channels, heads, where="TransformerBlock")
        self.heads = heads
        self.attention_norm = nn.LayerNorm(channels)
        self.packed = nn.Linear(channels, 3 * channels, bias=False)
        self.after = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(dropout))
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, widening * channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(widening * channels, channels),
            nn.Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """One block."""
        tokens = tokens + self.after(self._attend(self.attention_norm(tokens)))
        return tokens + self.mlp(tokens)

    def _attend(self, tokens: Tensor) -> Tensor:
        query, key, value = (split_heads(rows, self.heads) for rows in self.packed(tokens).chunk(3, -1))
        return merge_heads(attend(query, key, value))
