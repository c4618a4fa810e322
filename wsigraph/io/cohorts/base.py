"""What a public cohort is: its slides, whose they are, what is true of them and how they are split."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.table import Table
from wsigraph.registry import Part


@dataclass(frozen=True)
class Listed:
    """One slide of a public list.

    Args:
        slide_id: Its name, without the suffix of the file.
        patient_id: Its patient; the slide itself where no list says.
        label: Its class; empty where unknown.
        split: ``train``, ``val`` or ``test`` of the official split; empty where there is none.
        site: The hospital or laboratory it comes from; empty where unknown.
        more: Further columns of the manifest.
    """

    slide_id: str
    patient_id: str
    label: str = ""
    split: str = ""
    site: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called by: its id, the id before the dot, its patient."""
        return tuple(dict.fromkeys((self.slide_id, self.slide_id.split(".", 1)[0], self.patient_id)))


@dataclass(frozen=True)
class PublicCohort(Part, ABC, family="cohort", package="wsigraph.io.cohorts"):
    """A public data set, known by name. It reads the lists that are published of it; it brings none along.

    Attributes:
        title: What it is, in a few words.
        slides_from: Address where the slides are to be had.
        licence: Their licence, as that page names it.
        classes: Names of the classes, in the order of a model's outputs.
        published: Slides by (split, class) as published; one or both are empty where the count is of all,
            and nothing stands here where no count can be relied on.
        odd: What is known of single slides or patients, by name. They stay unless they are left out on
            request.
        lists: Names of public lists below a folder of such lists, each with the files that belong together.
        tree: Name of the label tree of the classes; empty where they form none.
    """

    title: ClassVar[str]
    slides_from: ClassVar[str]
    licence: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType({})
    odd: ClassVar[Mapping[str, str]] = MappingProxyType({})
    lists: ClassVar[tuple[tuple[str, ...], ...]] = ()
    tree: ClassVar[str] = ""

    @abstractmethod
    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of one or several tables, in their order.

        Raises: CohortError: if a table is in no known layout, or contradicts what is known of a slide.
        """

    @property
    def label_tree(self) -> LabelTree | None:
        """The tree of the classes; None where they form none."""
        return ready_tree(self.tree) if self.tree else None

    @property
    def how_to_get(self) -> str:
        """Where the slides are, under which licence, and what comes next; one sentence each."""
        return (
            f"The slides of {self.title} are at {self.slides_from}; licence: {self.licence}. "
            "Encode them with `wsigraph encode`."
        )

    def sizes(self, slides: Sequence[Listed]) -> tuple[str, ...]:
        """One sentence for each count that differs from the published one."""
        by_side, by_class = (any(part[i] for part in self.published) for i in (0, 1))
        counts = Counter(
            (slide.split if by_side else "", slide.label if by_class else "") for slide in slides
        )
        told = []
        for part in dict.fromkeys((*self.published, *sorted(counts))) if self.published else ():
            wanted, found = self.published.get(part, 0), counts[part]
            if found != wanted:
                name = " ".join(word for word in (part[0], part[1] and f"'{part[1]}'", "slides") if word)
                told.append(f"{self.title}: {wanted:,} {name} are published, the list has {found:,}.")
        return tuple(told)

    def oddities(self, slides: Sequence[Listed]) -> tuple[str, ...]:
        """One sentence for each slide that is known to be odd."""
        found = {slide.slide_id: name for slide in slides for name in slide.names if name in self.odd}
        return tuple(f"{self.title}, slide '{slide}': {self.odd[name]}." for slide, name in found.items())

    def unknown_patients(self, slides: Sequence[Listed]) -> tuple[str, ...]:
        """One sentence where the list names no patients."""
        if any(slide.patient_id != slide.slide_id for slide in slides):
            return ()
        return (f"{self.title}: the list names no patients, so each slide counts as its own patient.",)

    def notes(self, slides: Sequence[Listed]) -> tuple[str, ...]:
        """What a person should know of a list: sizes, patients, odd slides; one sentence each."""
        return (*self.sizes(slides), *self.unknown_patients(slides), *self.oddities(slides))

    def class_of(self, told: str, *, where: str, words: Mapping[str, str]) -> str:
        """The class that a cell names.

        Args:
            told: The cell.
            where: Its slide, as errors call it.
            words: Class by the lower-case word or number that tables write for it.

        Raises: CohortError: if the cell names none.
        """
        known = {**words, **{name.lower(): name for name in self.classes}}
        if told.lower() not in known:
            raise CohortError(expected(where, f"one of {sorted(known)}", f"{told!r}"))
        return known[told.lower()]
