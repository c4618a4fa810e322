"""TCGA-BRCA: invasive ductal against invasive lobular carcinoma of the breast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

from wsigraph.io.cohorts.tcga import Tcga

_DISPUTED: Final = "public lists disagree on its patient's class: IDC in one, ILC in another"


class TcgaBrca(Tcga, name="tcga_brca"):
    """TCGA-BRCA: diagnostic slides of ductal (IDC) and lobular (ILC) carcinoma.

    Reads tables with a slide's barcode and its class or OncoTree code. No count is called published here:
    two public lists of 977 patients each share 961, and disagree on the class of three of those.

    Source: ACMIL's list, 1,041 slides of 977 patients; RRT-MIL's, 977 patients.
    """

    title: ClassVar[str] = "TCGA-BRCA"
    classes: ClassVar[tuple[str, ...]] = ("IDC", "ILC")
    odd: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            **dict.fromkeys(("TCGA-E9-A1N4", "TCGA-B6-A0IE", "TCGA-E2-A1BC"), _DISPUTED),
            "TCGA-E2-A15E-06Z-00-DX1": "a metastasis, by its barcode, and no primary tumour",
        }
    )
    lists: ClassVar[tuple[tuple[str, ...], ...]] = (("acmil/brca_hipt.csv",),)
    columns: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {"slide_id": ("slide_id",), "label": ("label", "OncoTreeCode", "oncotree_code")}
    )
