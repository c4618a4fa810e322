"""BRACS: seven lesions of the breast in three groups, with an official split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare
from wsigraph.training.official_split import side_of

_COLUMNS: Final = MappingProxyType(
    {
        "slide_id": ("WSI Filename", "slide_id"),
        "patient_id": ("Patient Id", "patient_id"),
        "label": ("WSI label", "label"),
        "split": ("Set", "split_info", "split"),
    }
)
_COUNTS: Final = MappingProxyType(
    {
        "train": (27, 120, 56, 24, 28, 40, 100),
        "val": (10, 11, 9, 6, 8, 9, 12),
        "test": (7, 16, 9, 11, 12, 12, 20),
    }
)


class Bracs(PublicCohort, name="bracs"):
    """BRACS: 547 slides, 395 to train on, 65 to validate, 87 to test.

    Reads the sheet ``WSI_Information`` of the data set's own ``BRACS.xlsx``, saved as CSV, or a table with
    columns ``slide_id``, ``label`` (names, or 0 to 6 in their order) and ``split``. The sheet alone names
    patients: without a column of them each slide counts as its own. The official split is by slide, and a
    patient may stand on two sides of it: ``wsigraph.training.official_split.patients_on_several_sides``
    names them.

    Source: Brancati et al. 2022; counts by class and side: the data set's page.
    """

    title: ClassVar[str] = "BRACS"
    slides_from: ClassVar[str] = "https://www.bracs.icar.cnr.it"
    licence: ClassVar[str] = "as that page says"
    classes: ClassVar[tuple[str, ...]] = ("N", "PB", "UDH", "FEA", "ADH", "DCIS", "IC")
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType(
        {
            (side, name): count
            for side, counts in _COUNTS.items()
            for name, count in zip(("N", "PB", "UDH", "FEA", "ADH", "DCIS", "IC"), counts, strict=True)
        }
    )
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("acmil/bracs.csv",),)
    tree: ClassVar[str] = "bracs"

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of all tables."""
        return [slide for table in tables for slide in self._slides(table)]

    def _slides(self, table: Table) -> list[Listed]:
        numbers = {str(number): name for number, name in enumerate(self.classes)}
        slides = []
        for line, row in enumerate(table.rows(_COLUMNS, optional=["patient_id"]), start=2):
            slide_id = bare(row["slide_id"])
            where = f"{table.where(line)}, slide '{slide_id}'"
            side = side_of(row["split"])
            if not side:
                raise CohortError(expected(where, "train, val or test", f"{row['split']!r}"))
            label = self.class_of(row["label"], where=where, words=numbers)
            slides.append(Listed(slide_id, row["patient_id"] or slide_id, label, side))
        return slides
