"""Heads of set methods make nothing larger than the rows they read: memory is linear in patches."""

from __future__ import annotations

import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.nn.heads.base import Head

HEADS = [
    {"name": "class_attention", "hidden_channels": 16},
    {"name": "dsmil", "query_channels": 16},
    {"name": "acmil", "hidden_channels": 16},
    {"name": "dtfd", "hidden_channels": 16, "distil": "maxmins"},
    {"name": "dtfd", "hidden_channels": 16, "distil": "afs"},
]


@pytest.mark.parametrize("options", HEADS, ids=lambda o: o.get("distil", o["name"]))
def test_no_tensor_is_larger_than_the_rows(options, largest):
    """With 7 classes, 2 slides and 2,000 patches: nothing of patches x classes x channels, or squared."""
    head = Head.registry.make(options, 32, 7)
    x = torch.randn(2000, 32, requires_grad=True)
    with largest:
        out = head(x, Bags.of_sizes([1500, 500]))
        total = out.logits.sum() + sum(value.sum() for value in out.extras.values())
        total.backward()
    assert largest.nbytes <= x.nbytes
