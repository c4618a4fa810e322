"""The page of the doctor names every fault that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from wsigraph.pipelines.doctor.fault import KNOWN

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


def test_the_page_names_every_fault_with_its_words():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8").split("## Names")[1], re.M)
    assert dict(rows) == {
        name: f"{title}. {todo}" if todo else title for name, (title, todo) in KNOWN.items()
    }
