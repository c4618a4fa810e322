"""Sections to one Markdown file, for those who read reports where code is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from wsigraph.io.atomic import write_text
from wsigraph.io.report.page import RESEARCH_ONLY, address
from wsigraph.io.report.sections import Details, Links, Notice, Numbers, Pictures, Section, Table, Text

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#"})


def write_markdown(
    path: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    badges: Sequence[str] = (),
) -> None:
    """Write the sections of a page as Markdown; pictures are linked and stay where they are.

    Args:
        path: Where to; links to pictures are relative to it.
        title: Title of the page.
        sections: What it shows, in order.
        subtitle: Line under the title.
        badges: Short labels; "research use only" is always there.

    Raises: RunError: if a link's address is neither a file nor a web site.
    """
    folder = Path(path).parent
    parts = [f"# {escaped(title)}"]
    parts += [escaped(subtitle)] if subtitle else []
    parts.append(" · ".join(f"**{escaped(badge)}**" for badge in (*badges, RESEARCH_ONLY)))
    for section in sections:
        if section.heading and not isinstance(section, Details):
            parts.append(f"## {escaped(section.heading)}")
        parts += _body(section, folder)
    write_text(path, "\n\n".join(parts) + "\n")


def escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    return " ".join(text.translate(_SPECIAL).split())


def _body(section: Section, folder: Path) -> Iterator[str]:
    if isinstance(section, Text):
        yield from map(escaped, section.paragraphs)
    elif isinstance(section, Notice):
        yield "\n>\n".join(f"> {escaped(sentence)}" for sentence in section.sentences)
    elif isinstance(section, Numbers):
        lines = [f"- {escaped(n.name)}: {escaped(n.value)} {escaped(n.note)}" for n in section.numbers]
        yield "\n".join(lines)
    elif isinstance(section, Table):
        yield _table(section)
        if section.caption:
            yield escaped(section.caption)
    elif isinstance(section, Pictures):
        for picture in section.pictures:
            target = Path(os.path.relpath(picture.path, folder)).as_posix()
            yield f"![{escaped(picture.caption)}]({address(target)})"
            yield escaped(picture.caption)
    elif isinstance(section, Links):
        yield "\n".join(
            f"- [{escaped(x.label)}]({address(x.target)}) {escaped(x.note)}" for x in section.links
        )
    else:
        yield f"<details><summary>{escape(section.heading)}</summary>"
        yield "\n".join(f"    {line}" for line in section.text.splitlines())
        yield "</details>"


def _table(table: Table) -> str:
    rows = [table.columns, ["---"] * len(table.columns), *table.rows]
    shown = [[cell if i == 1 else escaped(cell) for cell in row] for i, row in enumerate(rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in shown)
