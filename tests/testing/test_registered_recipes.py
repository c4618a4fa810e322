"""Every built-in recipe meets the shipped kit as a whole model."""

from __future__ import annotations

import pytest

from wsigraph.testing import check_recipe
from wsigraph.training.recipe import recipe, recipe_names

NAMES = [name for name in recipe_names() if recipe(name, in_channels=4, classes=("a", "b")).heads]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_recipe(name):
    check_recipe(name)
