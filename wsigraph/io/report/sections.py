"""What a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Text:
    """Paragraphs under a heading.

    Args:
        heading: Heading, ``""`` for none.
        paragraphs: Plain sentences.
    """

    heading: str
    paragraphs: Sequence[str]
    kind = "text"


@dataclass(frozen=True)
class Notice:
    """Sentences that must not be missed.

    Args:
        sentences: One warning each.
    """

    sentences: Sequence[str]
    heading = ""
    kind = "notice"


@dataclass(frozen=True)
class Number:
    """One headline number.

    Args:
        name: What it is.
        value: As shown.
        note: Small print below, such as the interval.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Numbers:
    """Headline numbers side by side.

    Args:
        heading: Heading, ``""`` for none.
        numbers: The numbers.
    """

    heading: str
    numbers: Sequence[Number]
    kind = "numbers"


@dataclass(frozen=True)
class Table:
    """A table; cells are shown as they are, numbers belong formatted.

    Args:
        heading: Heading, ``""`` for none.
        columns: Column names.
        rows: Cells, the first of each row names it.
        caption: Sentence below.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    kind = "table"


@dataclass(frozen=True)
class Picture:
    """A picture with its caption.

    Args:
        path: PNG file; its bytes go into the page.
        caption: Sentence below, also read to those who do not see the picture.
    """

    path: str | Path
    caption: str


@dataclass(frozen=True)
class Pictures:
    """Pictures, side by side where they fit.

    Args:
        heading: Heading, ``""`` for none.
        pictures: The pictures.
        wide: Whether each takes the whole width.
    """

    heading: str
    pictures: Sequence[Picture]
    wide: bool = False
    kind = "pictures"


@dataclass(frozen=True)
class Link:
    """A link to a file beside the page, or to a site.

    Args:
        label: What is clicked.
        target: Relative path or address.
        note: What stands there.
    """

    label: str
    target: str
    note: str = ""


@dataclass(frozen=True)
class Links:
    """Links, one per line.

    Args:
        heading: Heading, ``""`` for none.
        links: The links.
    """

    heading: str
    links: Sequence[Link]
    kind = "links"


@dataclass(frozen=True)
class Details:
    """Long plain text that is folded away until asked for.

    Args:
        heading: The line that unfolds it.
        text: Shown as it is, in a fixed-width face.
    """

    heading: str
    text: str
    kind = "details"


Section = Text | Notice | Numbers | Table | Pictures | Links | Details
