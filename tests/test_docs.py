"""Pages that are written from the code are what the code writes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.readme_table import latest_page, table_of, verdicts, with_table
from wsigraph.training.catalog import catalog
from wsigraph.training.recipe import recipe_names

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "models.md"
PAGES = [
    *ROOT.glob("*.md"),
    *(page for name in ("docs", "examples", "benchmarks") for page in (ROOT / name).rglob("*.md")),
]


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_linked_file_exists(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), f"{target} does not exist"


def test_the_table_of_the_readme_is_that_of_the_latest_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    again = "Copy it with `python -m benchmarks.readme_table`."
    assert table_of(readme) == verdicts(latest_page()), again


def test_the_table_of_the_readme_is_replaced_and_made_up_rows_are_left_out(tmp_path):
    head = ["| Cohort | Answer |", "| --- | --- |"]
    rows = [
        r"| gg\_pt1\_knn | no |",
        r"| nesting\_1.0 (synthetic) | yes |",
        r"| camelyon\_semisynthetic | no |",
    ]
    page = tmp_path / "report.md"
    page.write_text("\n".join(["# Page", "", *head, *rows, "", "| Other |"]), encoding="utf-8")
    kept = [*head, rows[0], rows[2]]
    assert verdicts(page) == kept
    assert with_table("\n".join(["a", *head, "| old | yes |", "", "b"]), kept) == "\n".join(
        ["a", *kept, "", "b"]
    )
