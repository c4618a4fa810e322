"""What a TCGA barcode says of a slide, and what cohorts of The Cancer Genome Atlas share."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare

_BARCODE: Final = re.compile(r"(TCGA-(\w\w)-\w{4})-(\d\d)[A-Z]-\d\d-([A-Z]{2})\w*(\.[\w-]+)?", re.ASCII)


@dataclass(frozen=True)
class Barcode:
    """The parts of a slide's barcode, such as ``TCGA-05-4244-01Z-00-DX1.D4FF32CD``.

    Args:
        patient: Project, site and participant: ``TCGA-05-4244``.
        site: Code of the tissue source site: ``05``.
        sample: Type of the sample: ``01`` a primary tumour, ``06`` a metastasis, ``11`` normal tissue.
        kind: ``DX`` a diagnostic slide (fixed in formalin, embedded in paraffin); ``TS``, ``MS`` and ``BS``
            the top, middle and bottom slide of a frozen portion.

    Source: GDC documentation, TCGA barcode and code tables.
    """

    patient: str
    site: str
    sample: str
    kind: str


def barcode(slide_id: str, *, where: str) -> Barcode:
    """The parts of a slide's barcode.

    Args:
        slide_id: The slide, with or without the identifier behind the dot.
        where: The slide, as errors call it.

    Raises: CohortError: if it is no barcode of a slide.
    """
    match = _BARCODE.fullmatch(slide_id)
    if not match:
        what = "a barcode of a slide such as TCGA-05-4244-01Z-00-DX1"
        raise CohortError(expected(where, what, f"{slide_id!r}"))
    return Barcode(match[1], match[2], match[3], match[4])


class Tcga(PublicCohort, ABC):
    """Slides of The Cancer Genome Atlas: patient and site stand in the barcode, not in a table's case column.

    Diagnostic slides alone are kept. There is no official split; where a list comes in three files
    ``..._train.csv``, ``..._val.csv`` and ``..._test.csv``, its split is kept.

    Attributes:
        columns: Names that columns have in tables, by our name: ``slide_id``, and ``label`` where there is
            one. All others become columns of the manifest.
        optional: Our names of columns that a table may lack.
        words: Class by the lower-case word that tables write for it.
    """

    slides_from: ClassVar[str] = "https://portal.gdc.cancer.gov"
    licence: ClassVar[str] = "open access by the terms of the NCI Genomic Data Commons"
    columns: ClassVar[Mapping[str, Sequence[str]]]
    optional: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The diagnostic slides of all tables."""
        return [slide for table in tables for slide in self.diagnostic(table)]

    def diagnostic(self, table: Table) -> list[Listed]:
        """The diagnostic slides of one table.

        Raises: CohortError: if a slide has no barcode, or its class is none of the cohort's.
        """
        slides = []
        for number, row in enumerate(table.rows(self.columns, optional=self.optional), start=2):
            slide_id = bare(row["slide_id"])
            parts = barcode(slide_id, where=table.where(number))
            if parts.kind != "DX":
                continue
            where = f"{table.where(number)}, slide '{slide_id}'"
            label = self.class_of(row["label"], where=where, words=self.words) if "label" in row else ""
            more = {name: row[name] for name in self.columns if name not in ("slide_id", "label")}
            slides.append(Listed(slide_id, parts.patient, label, table.side, parts.site, more))
        return slides
