"""A recipe without heads: what may choose its epoch, and what it may compute."""

from __future__ import annotations

import pytest

from wsigraph.errors import RecipeError
from wsigraph.training.recipe import Recipe


def test_without_heads_only_reconstruction_may_choose_the_epoch(small):
    values = small("srmil_pretrain").to_dict()
    with pytest.raises(RecipeError, match="without heads the checkpoint rule is 'val_total' or 'last'"):
        Recipe.from_dict({**values, "checkpoint": {"monitor": "val_auc"}})
    with pytest.raises(RecipeError, match=r"expected a head 'bag', got heads \[\]"):
        Recipe.from_dict({**values, "terms": {"ce": {"name": "cross_entropy"}}}).build()
