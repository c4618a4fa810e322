"""Pages that are written from the code are what the code writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from wsigraph.training.catalog import catalog
from wsigraph.training.recipe import recipe_names

PAGE = Path(__file__).parents[1] / "docs" / "models.md"


def test_the_page_of_models_is_current():
    again = "It is written by `wsigraph models --markdown > docs/models.md`."
    command = [sys.executable, "-m", "wsigraph", "models", "--markdown"]  # where no test has added parts
    page = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    assert PAGE.read_text(encoding="utf-8") == page, again


def test_every_method_says_where_it_comes_from():
    assert set(catalog()) == set(recipe_names())
    for name, entry in catalog().items():
        assert entry.source, name
        assert entry.equation, name
        assert entry.title[0].isupper() or entry.title[0].isdigit(), name
