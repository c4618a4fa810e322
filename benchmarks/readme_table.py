"""The README's table of the suite, copied from its latest page: ``python -m benchmarks.readme_table``."""

from __future__ import annotations

from pathlib import Path

from wsigraph.io.atomic import write_text
from wsigraph.io.report.markdown import escaped
from wsigraph.pipelines.benchmark.suite import suite

HERE = Path(__file__).parent
README, RESULTS = HERE.parent / "README.md", HERE / "results"
FIRST = "| Cohort | Answer |"
"""How the table begins, in the page as in the README."""
LEFT_OUT = ("synthetic", "mil_classic", "camelyon_dial")
"""Suites whose many rows stand in the page alone."""


def latest_page(results: Path = RESULTS) -> Path:
    """The page of the last dated run."""
    return max(results.glob("suite_*/report.md"))


def table_of(text: str) -> list[str]:
    """The lines of the table in a page."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(FIRST))
    end = next((i for i in range(start, len(lines)) if not lines[i].startswith("|")), len(lines))
    return lines[start:end]


def verdicts(page: Path) -> list[str]:
    """The lines of the page's table, as they stand there, without those of ``LEFT_OUT``."""
    names = [name for one in LEFT_OUT for name in suite(one).names]
    beginnings = tuple(f"| {escaped(name)} " for name in names)
    return [line for line in table_of(page.read_text(encoding="utf-8")) if not line.startswith(beginnings)]


def with_table(readme: str, lines: list[str]) -> str:
    """The text of the README with these lines in place of its table."""
    return readme.replace("\n".join(table_of(readme)), "\n".join(lines))


if __name__ == "__main__":
    write_text(README, with_table(README.read_text(encoding="utf-8"), verdicts(latest_page())))
