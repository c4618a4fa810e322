"""Each patch as a head that attends to the few tails it fits best: the learned graph of WiKG."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import embedding
from torch.utils.checkpoint import checkpoint

PRODUCTS = 2**22
"""Products of heads and tails that stand in memory at a time."""

HEADS = 2048
"""Heads that attend at a time."""


@torch.no_grad()
def best_tails(heads: Tensor, tails: Tensor, *, k: int, products: int = PRODUCTS) -> Tensor:
    r"""The k tails with the largest dot product, for each head.

    Every head meets every tail, some heads at a time, so time grows with their square and memory does not;
    an exported program, which cannot count, meets all at once.

    Args:
        heads: ``[n, C]``.
        tails: ``[n, C]``.
        k: Tails wanted.
        products: Products that stand in memory at a time.

    Shape: ``[n, k]`` rows of the tails, the best first; n or more where there are fewer than k tails.
    """
    n = tails.shape[0]
    padded = torch.cat([tails, tails.new_zeros(k - 1, tails.shape[1])]).T  # [C, n + k - 1]
    if torch.compiler.is_exporting():
        return _best(heads @ padded, n, k)
    step = min(max(1, products // n), n)
    room = heads.new_empty(step, n + k - 1)  # made once: pieces of their own would scatter memory
    found = torch.empty(n, k, dtype=torch.long, device=heads.device)
    for some, best in zip(heads.split(step), found.split(step), strict=True):
        best.copy_(_best(torch.mm(some, padded, out=room[: len(some)]), n, k))
    return found


def _best(products: Tensor, n: int, k: int) -> Tensor:
    products[:, n:] = -torch.inf
    return products.topk(k, dim=1).indices


def knowledge_attention(heads: Tensor, tails: Tensor, chosen: Tensor) -> Tensor:
    r"""Sum of the chosen tails, weighed by how each fits its head and the edge between them.

    .. math::  p_{ij} = \mathrm{softmax}_j \frac{h_i \cdot t_j}{\sqrt C}, \quad
               r_{ij} = p_{ij} t_j + (1 - p_{ij}) h_i, \quad
               n_i = \sum_j \mathrm{softmax}_j\bigl(t_j \cdot \tanh(h_i + r_{ij})\bigr)\, t_j

    Some heads at a time, which the backward pass goes through again instead of keeping C numbers per edge.

    Args:
        heads: ``[n, C]`` h.
        tails: ``[n, C]`` t.
        chosen: ``[n, k]`` the tails of each head; n or more for none.

    Shape: ``[n, C]``.
    Source: Li et al. 2024 (WiKG), embedding of edges and knowledge-aware attention. Differs: tail and gate
        meet in a dot product, as published; the authors' code multiplies the sum of one by the sum of the
        other.
    """
    n, k = tails.shape[0], chosen.shape[1]
    padded = torch.cat([tails, tails.new_zeros(k - 1, tails.shape[1])])  # [n + k - 1, C]
    if torch.compiler.is_exporting():
        return _attend(heads, padded, chosen, n)
    pairs = zip(heads.split(HEADS), chosen.split(HEADS), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([_attend(some, padded, few, n) for some, few in pairs])
    again = partial(checkpoint, _attend, use_reentrant=False, preserve_rng_state=False)
    return torch.cat([again(some, padded, few, n) for some, few in pairs])


def _attend(heads: Tensor, padded: Tensor, chosen: Tensor, n: int) -> Tensor:
    none = chosen >= n  # [r, k]
    near = embedding(chosen, padded)  # [r, k, C]
    fit = torch.einsum("rc,rkc->rk", heads, near) / heads.shape[1] ** 0.5
    share = fit.masked_fill(none, -torch.inf).softmax(1).unsqueeze(2)  # [r, k, 1]
    own = heads.unsqueeze(1)  # [r, 1, C]
    gate = torch.tanh(own + share * near + (1 - share) * own)
    score = torch.einsum("rkc,rkc->rk", near, gate)  # a dot product per edge
    return torch.einsum("rk,rkc->rc", score.masked_fill(none, -torch.inf).softmax(1), near)
