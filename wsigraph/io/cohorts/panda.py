"""PANDA: ISUP grades of biopsies of the prostate, from two hospitals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.table import Table, bare

_COLUMNS: Final = MappingProxyType(
    {
        "slide_id": ("image_id", "FILENAME", "slide_id"),
        "patient_id": ("patient_id",),
        "label": ("isup_grade", "label"),
        "site": ("data_provider", "site"),
    }
)


class Panda(PublicCohort, name="panda"):
    """PANDA: 10,616 slides with an ISUP grade from 0 to 5; its sites are Radboud and Karolinska.

    Reads the challenge's own ``train.csv``, or tables with a grade per slide; where they come in three files
    ``..._train.csv``, ``..._val.csv`` and ``..._test.csv``, that split is kept. The challenge publishes no
    patients: each slide counts as its own unless a table has a column ``patient_id``.

    Source: Bulten et al. 2022. PANTHER's lists have 9,555 of the slides, without those whose labels are
    taken to be noisy. Differs: groups of the label tree, see ``wsigraph.data.label_tree.ready``.
    """

    title: ClassVar[str] = "PANDA"
    slides_from: ClassVar[str] = "https://www.kaggle.com/c/prostate-cancer-grade-assessment"
    licence: ClassVar[str] = "the rules of that challenge"
    classes: ClassVar[tuple[str, ...]] = ("0", "1", "2", "3", "4", "5")
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType({("", ""): 10616})
    odd: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "b0a92a74cb53899311acc30b7405e101": "its ISUP grade 2 contradicts its Gleason score 4+3, "
            "which is grade 3"
        }
    )
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("panther/panda_train.csv", "panther/panda_val.csv", "panther/panda_test.csv"),
    )
    tree: ClassVar[str] = "panda"

    def read(self, tables: Sequence[Table]) -> list[Listed]:
        """The slides of all tables."""
        return [slide for table in tables for slide in self._slides(table)]

    def _slides(self, table: Table) -> list[Listed]:
        slides = []
        side = "" if table.path.name == "train.csv" else table.side  # the challenge's own is all there is
        rows = table.rows(_COLUMNS, optional=["patient_id", "site"])
        for number, row in enumerate(rows, start=2):
            slide_id = bare(row["slide_id"])
            where = f"{table.where(number)}, slide '{slide_id}'"
            label = self.class_of(row["label"], where=where, words={})
            slides.append(Listed(slide_id, row["patient_id"] or slide_id, label, side, row["site"]))
        return slides
