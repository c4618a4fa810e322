"""CAMELYON17: five lymph nodes of each patient, from five hospitals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare

_NAME: Final = re.compile(r"(patient_(\d{3}))_node_([0-4])")
_STAGES: Final = MappingProxyType({"negative": "normal", "micro": "tumour", "macro": "tumour"})
_COLUMNS: Final = MappingProxyType(
    {"slide_id": ("slide_id", "patient"), "label": ("stage", "label")},
)
_PER_CENTRE: Final = 20
_TRAINING: Final = 100


@dataclass(frozen=True)
class Camelyon17(PublicCohort, name="camelyon17"):
    """CAMELYON17: 500 training slides, five of each of 100 patients, twenty patients of each of five centres.

    Reads the challenge's own ``stages.csv`` (``patient,stage``; lines of whole patients are passed over), or
    a table with columns ``slide_id`` and ``label``. Where a table says the stage of a slide (negative, itc,
    micro, macro) the manifest has a column ``stage`` too. The patient and the centre come from the name:
    patients 0 to 19 are ``centre_0`` and so on, as WILDS numbers them; the labels of the 100 test patients
    are not public.

    Args:
        itc: Class of a slide with isolated tumour cells alone: ``tumour``, or ``normal`` as CLAM has it and
            as the challenge counts lymph nodes.

    Raises: CohortError: if a slide has another name, or ``itc`` is no class.
    Source: Litjens et al. 2018; centres: WILDS (Koh et al. 2021).
    """

    itc: str = "tumour"

    title: ClassVar[str] = "CAMELYON17"
    slides_from: ClassVar[str] = "https://camelyon17.grand-challenge.org/Data/"
    licence: ClassVar[str] = "CC0"
    classes: ClassVar[tuple[str, ...]] = ("normal", "tumour")
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType({("train", ""): 500})
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("acmil/camelyon17.csv",),)

    def __post_init__(self) -> None:
        if self.itc not in self.classes:
            raise CohortError(
                expected("CAMELYON17", f"itc to be one of {list(self.classes)}", f"{self.itc!r}")
            )

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of all tables."""
        return [slide for table in tables for slide in self._slides(table)]

    def _slides(self, table: Table) -> list[Listed]:
        words = {"0": "normal", "1": "tumour", "tumor": "tumour", "itc": self.itc, **_STAGES}
        slides = []
        for number, row in enumerate(table.rows(_COLUMNS), start=2):
            if row["slide_id"].endswith(".zip"):
                continue  # the stage of a whole patient
            slide_id = bare(row["slide_id"])
            match = _NAME.fullmatch(slide_id)
            if not match:
                raise CohortError(expected(table.where(number), "patient_###_node_#", f"{slide_id!r}"))
            where, told = f"{table.where(number)}, slide '{slide_id}'", row["label"].lower()
            label = self.class_of(told, where=where, words=words)
            more = {"stage": told} if told in (*_STAGES, "itc") else {}
            training = int(match[2]) < _TRAINING
            site = f"centre_{int(match[2]) // _PER_CENTRE}" if training else ""
            slides.append(Listed(slide_id, match[1], label, "train" if training else "test", site, more))
        return slides
