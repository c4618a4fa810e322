"""The page of layouts lists what can be read."""

from __future__ import annotations

import re
from pathlib import Path

from wsigraph.io.features.format import FeatureFormat

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_lists_every_layout_that_is_built_in():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    registry = FeatureFormat.registry
    built_in = [name for name in registry.names() if registry.get(name).__module__.startswith("wsigraph.")]
    assert sorted(listed) == built_in
    assert len(set(listed)) == len(listed)
