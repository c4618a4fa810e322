"""TCGA-NSCLC: adenocarcinoma against squamous cell carcinoma of the lung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from wsigraph.io.cohorts.tcga import Tcga


class TcgaNsclc(Tcga, name="tcga_nsclc"):
    """TCGA-LUAD and TCGA-LUSC together: 1,053 diagnostic slides of 956 patients, 478 of each class.

    Reads sample sheets of the GDC (``File Name``, ``Project ID``), or tables with a slide's barcode and its
    class, project or OncoTree code. Lists differ in ten slides
    of LUAD: PANTHER's has 1,043 of 946 patients.

    Source: counts of MambaMIL's list; its patients and their classes are those of RRT-MIL's list.
    """

    title: ClassVar[str] = "TCGA-NSCLC"
    classes: ClassVar[tuple[str, ...]] = ("LUAD", "LUSC")
    published: ClassVar[Mapping[tuple[str, str], int]] = MappingProxyType(
        {("", "LUAD"): 541, ("", "LUSC"): 512}
    )
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("mambamil/LUAD_LUSC.csv",),
        ("panther/nsclc_train.csv", "panther/nsclc_val.csv", "panther/nsclc_test.csv"),
    )
    columns: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {
            "slide_id": ("slide_id", "File Name"),
            "label": ("label", "OncoTreeCode", "project_id", "Project ID"),
        }
    )
    words: ClassVar[Mapping[str, str]] = MappingProxyType({"tcga-luad": "LUAD", "tcga-lusc": "LUSC"})
