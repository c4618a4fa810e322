"""CAMELYON16: sections of sentinel lymph nodes with and without metastases of breast cancer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare

_NAME: Final = re.compile(r"(normal|tumor|test)_(\d{3})")
_WORDS: Final = MappingProxyType({"0": "normal", "1": "tumour", "tumor": "tumour"})
_COLUMNS: Final = MappingProxyType({"slide_id": ("slide_id",), "label": ("label",)})


class Camelyon16(PublicCohort, name="camelyon16"):
    """CAMELYON16: 270 slides to train on, 129 to test.

    Reads the challenge's own ``reference.csv`` (no header: slide, class, ...), which lists the test slides
    alone: the names of the training slides say their class and are known. Or reads any table with columns
    ``slide_id`` and ``label`` (0 and 1, or words). No list names patients that can be relied on: each slide
    counts as its own.

    Raises: CohortError: if a slide has another name, or its label contradicts its name.
    Source: Ehteshami Bejnordi et al. 2017; odd slides: the data set's ``README.md``. Differs: the readme
    speaks of the file ``normal_86``; in lists of today it would be ``normal_086``.
    """

    title: ClassVar[str] = "CAMELYON16"
    slides_from: ClassVar[str] = "https://camelyon17.grand-challenge.org/Data/"
    licence: ClassVar[str] = "CC0"
    classes: ClassVar[tuple[str, ...]] = ("normal", "tumour")
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType(
        {
            ("train", "normal"): 159,
            ("train", "tumour"): 111,
            ("test", "normal"): 80,
            ("test", "tumour"): 49,
        }
    )
    odd: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "normal_086": "misclassified at first; withdrawn, and the same slide as tumor_111",
            "test_049": "a duplicate; withdrawn",
            "test_114": "not all of its tumour is outlined: no lesions can be counted on it",
        }
    )
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("acmil/camelyon16.csv",),)

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of all tables; of ``reference.csv`` after the training slides it does not list."""
        return [slide for table in tables for slide in self._slides(table)]

    def _slides(self, table: Table) -> list[Listed]:
        if "slide_id" in table.header:
            given = [(row["slide_id"], row["label"]) for row in table.rows(_COLUMNS)]
            first = 2
        else:
            given = [(line[0], line[1] if len(line) > 1 else "") for line in table.lines]
            first = 1
        told = [self._one(name, label, where=table.where(n)) for n, (name, label) in enumerate(given, first)]
        listed_alone = first == 1 and all(slide.split == "test" for slide in told)
        return [*training_slides(), *told] if listed_alone else told

    def _one(self, name: str, told: str, *, where: str) -> Listed:
        slide_id = bare(name)
        match = _NAME.fullmatch(slide_id)
        if not match:
            raise CohortError(expected(where, "normal_###, tumor_### or test_###", f"{name!r}"))
        label = self.class_of(told, where=f"{where}, slide '{slide_id}'", words=_WORDS)
        if match[1] == "test":
            return Listed(slide_id, slide_id, label, "test")
        if label != _WORDS.get(match[1], match[1]):
            what = f"the class that its name '{slide_id}' says"
            raise CohortError(expected(where, what, f"'{label}'", todo="Mend the table."))
        return Listed(slide_id, slide_id, label, "train")


def training_slides() -> list[Listed]:
    """The 270 training slides: ``normal_001`` to ``normal_160`` without ``normal_086``, and ``tumor_001`` to
    ``tumor_111``."""
    normal = [f"normal_{n:03d}" for n in range(1, 161) if n != 86]
    tumour = [f"tumor_{n:03d}" for n in range(1, 112)]
    return [
        *(Listed(name, name, "normal", "train") for name in normal),
        *(Listed(name, name, "tumour", "train") for name in tumour),
    ]
