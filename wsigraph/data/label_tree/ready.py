"""Trees of public tasks, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, expected

READY: Mapping[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "bracs": (
            ("group", "subtype"),
            {"benign": ("N", "PB", "UDH"), "atypical": ("FEA", "ADH"), "malignant": ("DCIS", "IC")},
        ),
        "panda": (
            ("risk", "isup"),
            {"no cancer": ("0",), "grades 1-2": ("1", "2"), "grades 3-5": ("3", "4", "5")},
        ),
        "cytology": (
            ("group", "diagnosis"),
            {"negative": ("NILM",), "positive": ("ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")},
        ),
    }
)
"""Names of the levels, and the classes of each group."""


def ready_tree(name: str) -> LabelTree:
    """A tree by name.

    ``"bracs"``: seven lesions of the breast in three groups. ``"panda"``: ISUP grades of the prostate in
    three risk groups. ``"cytology"``: cervical cytology, negative or positive.

    Raises: LabelTreeError: if there is no tree of that name.
    Source: BRACS (Brancati et al. 2022); HMIL (Jin et al. 2025) for cytology. Differs: HMIL's groups of the
    ISUP grades are not public; 0 | 1-2 | 3-5 is our own choice.
    """
    if name not in READY:
        raise LabelTreeError(expected("ready_tree", f"one of {sorted(READY)}", f"{name!r}"))
    levels, groups = READY[name]
    return tree_from_dict(groups, levels=levels)
