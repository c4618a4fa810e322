"""Sections to one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import write_text
from wsigraph.io.report.sections import Section

RESEARCH_ONLY = "Research use only. Not for diagnosis."
_SAFE_SCHEMES = ("http", "https", "mailto")


def write_index(
    path: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    badges: Sequence[str] = (),
) -> None:
    """Write a page that needs no other file: styles and pictures are inside.

    Args:
        path: Where to.
        title: Title of the page.
        sections: What it shows, in order.
        subtitle: Line under the title.
        badges: Short labels beside the title, such as ``"synthetic data"``; "research use only" is
            always there.

    Raises: RunError: if a picture is missing or no PNG, or a link's address is neither a file nor a web site.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("wsigraph.io", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = embedded
    environment.filters["address"] = address
    page = environment.get_template("page.html.j2")
    write_text(
        path,
        page.render(
            title=title,
            subtitle=subtitle,
            badges=list(badges),
            sections=list(sections),
            research_only=RESEARCH_ONLY,
        ),
    )


def embedded(path: str | Path) -> str:
    """A PNG as a ``data:`` address.

    Raises: RunError: if the file is missing or no PNG.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise RunError(expected("Report", f"a picture at '{path}'", f"{error}")) from error
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise RunError(expected("Report", f"a PNG at '{path}'", f"{content[:4]!r}"))
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def address(target: str) -> str:
    """A link's target, percent-encoded where it is a file beside the page.

    Raises: RunError: for schemes other than http, https and mailto: a slide's name must not become a script.
    """
    from urllib.parse import quote

    scheme, colon, _ = target.partition(":")
    if colon and scheme.lower() in _SAFE_SCHEMES:
        return target
    if colon:
        raise RunError(expected("Report", f"a relative path or one of {list(_SAFE_SCHEMES)}", f"'{target}'"))
    return quote(target, safe="/#?=&")
