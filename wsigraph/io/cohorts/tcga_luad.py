"""TCGA-LUAD: mutations of adenocarcinoma of the lung, a class column for each gene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed
from wsigraph.io.cohorts.table import Table
from wsigraph.io.cohorts.tcga import Tcga

_WORDS: Mapping[str, str] = MappingProxyType({"0": "wild type", "1": "mutant", "wt": "wild type"})
_PATIENT = "patient_id"


class TcgaLuad(Tcga, name="tcga_luad"):
    """TCGA-LUAD: diagnostic slides, with a column of wild type or mutant for each gene of a second table.

    Reads tables of slides (barcodes, as in a sample sheet of the GDC; a column of stages is kept), and tables
    with a column ``patient_id`` (``TCGA-05-4244``) and one of 1 and 0 per gene, empty where unknown. Ask for
    a gene by its column: ``cohort("tcga_luad", [slides, mutations], target_col="EGFR", ...)``. Slides of
    patients that the table of mutations lacks stay, without a class.

    Source: HNM-WSI asks for EGFR, KRAS, STK11 and TP53. Differs: its mutations are not published with it;
    they come from the table given.
    """

    title: ClassVar[str] = "TCGA-LUAD"
    classes: ClassVar[tuple[str, ...]] = ("wild type", "mutant")
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("wikg/TCGA_LUAD.csv",),)
    columns: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {"slide_id": ("slide_id", "TCGA-id", "File Name"), "stage": ("stage",)}
    )
    optional: ClassVar[tuple[str, ...]] = ("stage",)

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The diagnostic slides of the tables of slides, with what the tables of mutations say of patients.

        Raises: CohortError: if a patient stands twice in them, or a cell is no class.
        """
        genes: dict[str, dict[str, str]] = {}
        slides: list[Listed] = []
        for table in tables:
            if _PATIENT in table.header and not set(table.header) & set(self.columns["slide_id"]):
                self._add(genes, table)
            else:
                slides += self.diagnostic(table)
        columns = list(dict.fromkeys(gene for row in genes.values() for gene in row))
        nothing = dict.fromkeys(columns, "")
        return [
            replace(slide, more={**slide.more, **nothing, **genes.get(slide.patient_id, {})})
            for slide in slides
        ]

    def _add(self, genes: dict[str, dict[str, str]], table: Table) -> None:
        names = {name: (name,) for name in table.header}
        for number, row in enumerate(table.rows(names), start=2):
            patient = row.pop(_PATIENT)
            where = f"{table.where(number)}, patient '{patient}'"
            if patient in genes:
                raise CohortError(expected(where, "every patient once", "it again"))
            genes[patient] = {
                gene: self.class_of(told, where=f"{where}, {gene}", words=_WORDS) if told else ""
                for gene, told in row.items()
            }
