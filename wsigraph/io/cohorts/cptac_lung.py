"""CPTAC lung: normal tissue, adenocarcinoma and squamous cell carcinoma, to test models of TCGA on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare

_CASE: Final = re.compile(r"(C3[LN]-\d{5})-\d+")
_WORDS: Final = MappingProxyType({"lscc": "LUSC"})
_COLUMNS: Final = MappingProxyType({"slide_id": ("slide_id",), "label": ("label",)})


class CptacLung(PublicCohort, name="cptac_lung"):
    """CPTAC-LUAD and CPTAC-LSCC together; the squamous class is called LUSC, as in TCGA.

    Reads a list without a header (slide, class), or a table with columns ``slide_id`` and ``label``. A
    slide's name begins with its patient (``C3L-00001-21``); a name that does not counts as a patient of its
    own. The two tumours never meet in a patient, but normal tissue and a tumour do.

    Source: GTP's list, 2,082 slides; it is no list of all there are, and no count is called published here.
    """

    title: ClassVar[str] = "CPTAC lung"
    slides_from: ClassVar[str] = "https://www.cancerimagingarchive.net"
    licence: ClassVar[str] = "as the pages of CPTAC-LUAD and CPTAC-LSCC there say"
    classes: ClassVar[tuple[str, ...]] = ("normal", "LUAD", "LUSC")
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("gtp/cptac.txt",),)

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of all tables."""
        return [slide for table in tables for slide in self._slides(table)]

    def _slides(self, table: Table) -> list[Listed]:
        headed = "slide_id" in table.header
        rows = table.rows(_COLUMNS) if headed else [_pair(table, n) for n in range(len(table.lines))]
        slides = []
        for number, row in enumerate(rows, start=1 + headed):
            slide_id = bare(row["slide_id"])
            match = _CASE.fullmatch(slide_id)
            where = f"{table.where(number)}, slide '{slide_id}'"
            label = self.class_of(row["label"], where=where, words=_WORDS)
            slides.append(Listed(slide_id, match[1] if match else slide_id, label))
        return slides


def _pair(table: Table, line: int) -> dict[str, str]:
    cells = table.lines[line]
    if len(cells) != 2:
        raise CohortError(expected(table.where(line + 1), "a slide and its class", f"{len(cells)} cells"))
    return {"slide_id": cells[0], "label": cells[1]}
