"""Every registered public cohort meets the shipped kit, and the kit finds what is wrong with a broken one."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import pytest

from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.camelyon16 import Camelyon16
from wsigraph.testing.public_cohorts import check_public_cohort

TABLES = {
    "bracs": "slide_id,label,split\nBRACS_1,0,train\nBRACS_2,IC,valid\n",
    "camelyon16": "slide_id,label\nnormal_001,0\ntumor_001,1\ntest_001,1\n",
    "camelyon17": "slide_id,label\npatient_000_node_0,0\npatient_100_node_4,1\n",
    "cptac_lung": "slide_id,label\nC3L-00001-21,lscc\nC3L-00001-26,normal\n",
    "panda": "image_id,isup_grade\na,0\nb,5\n",
    "tcga_brca": "slide_id,label\nTCGA-E2-A15E-06Z-00-DX1,IDC\nTCGA-AA-0001-01Z-00-DX1,ilc\n",
    "tcga_luad": "TCGA-id,stage\nTCGA-05-4244-01Z-00-DX1,I\nTCGA-18-3406-01Z-00-DX1,IV\n",
    "tcga_nsclc": "slide_id,label\nTCGA-05-4244-01Z-00-DX1,LUAD\nTCGA-18-3406-01Z-00-DX1,LUSC\n",
}


@pytest.mark.parametrize("name", PublicCohort.registry.names())
def test_public_cohort(name, tmp_path):
    table = tmp_path / "list.csv"
    table.write_text(TABLES[name])
    check_public_cohort(PublicCohort.registry.make(name), tables=[table])


@dataclass(frozen=True)
class Silent(Camelyon16):
    """Says not where its slides are."""

    slides_from: ClassVar[str] = ""


@dataclass(frozen=True)
class Miscounted(Camelyon16):
    """Counts a class it does not have."""

    published: ClassVar = MappingProxyType({("train", "lung"): 3})


@dataclass(frozen=True)
class Orphans(Camelyon16):
    """Has slides of nobody."""

    def read(self, tables):
        return [Listed(slide.slide_id, "") for slide in super().read(tables)]


@dataclass(frozen=True)
class Wrong(Camelyon16):
    """Has the tree of another."""

    tree: ClassVar[str] = "bracs"


@dataclass(frozen=True)
class Unsafe(Camelyon16):
    """Leaves its folder."""

    def read(self, tables):
        return [Listed(f"../{slide.slide_id}", "p") for slide in super().read(tables)]


@pytest.mark.parametrize(
    ("public", "said"),
    [
        (Silent(), "an address of its slides"),
        (Miscounted(), r"published counts .* got \[\('train', 'lung'\)\]"),
        (Orphans(), "slide 'normal_001': expected a patient, got none"),
        (Wrong(), r"a tree of \('normal', 'tumour'\)"),
        (Unsafe(), r"slide '../normal_001': Slide id"),
    ],
)
def test_planted_faults_are_found(public, said, tmp_path):
    table = tmp_path / "list.csv"
    table.write_text(TABLES["camelyon16"])
    with pytest.raises(AssertionError, match=said):
        check_public_cohort(public, tables=[table])
