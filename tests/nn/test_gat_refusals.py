"""What the GAT encoder refuses."""

from __future__ import annotations

import pytest

import wsigraph as wg
from wsigraph.errors import RecipeError


def test_a_width_that_heads_do_not_divide_is_refused_before_training():
    recipe = wg.recipe("srmil", in_channels=8, classes=["a", "b"])
    with pytest.raises(RecipeError, match=r"'gat': expected hidden_channels divisible by 4 heads, got 66"):
        recipe.with_settings({"encoder.hidden_channels": 66})
