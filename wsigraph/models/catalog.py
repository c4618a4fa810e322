"""Published combinations: what a recipe's name stands for, and how to cite it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wsigraph.errors import UnknownPartError, expected


@dataclass(frozen=True)
class Entry:
    """One published method.

    Args:
        name: Name of its recipe.
        kind: ``"set"`` or ``"graph"``.
        title: One line for a table.
        bibtex: How to cite it.
        tasks: What it can be asked.
    """

    name: str
    kind: Literal["set", "graph"]
    title: str
    bibtex: str
    tasks: tuple[str, ...] = ("classification",)


_SRMIL = """@inproceedings{wu2026srmil,
  title     = {Exploiting Label-Independent Regularization from Spatial Dependencies
               for Whole Slide Image Analysis},
  author    = {Wu, Weiyi and Xu, Xinwen and Gao, Chongyang and Diao, Xingjian and Li, Siting and Gui, Jiang},
  booktitle = {IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)},
  year      = {2026},
  note      = {arXiv:2602.19487}
}"""

CATALOG: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name="srmil",
            kind="graph",
            title="Spatially regularised MIL: masked reconstruction beside classification on a k-NN graph",
            bibtex=_SRMIL,
        ),
        Entry(
            name="srmil_code",
            kind="graph",
            title="SRMIL as its authors' code computes it: window graph, reformer, supernode, three passes",
            bibtex=_SRMIL,
        ),
        Entry(
            name="srmil_pretrain",
            kind="graph",
            title="SRMIL's reconstruction alone: label-free pretraining for --start-from",
            bibtex=_SRMIL,
            tasks=("pretraining",),
        ),
        Entry(
            name="abmil",
            kind="set",
            title="Gated attention over the set of patches",
            bibtex="""@inproceedings{ilse2018attention,
  title     = {Attention-based Deep Multiple Instance Learning},
  author    = {Ilse, Maximilian and Tomczak, Jakub M. and Welling, Max},
  booktitle = {International Conference on Machine Learning (ICML)},
  year      = {2018},
  note      = {arXiv:1802.04712}
}""",
        ),
    )
}


def entry(name: str) -> Entry:
    """The catalog entry of a recipe.

    Raises: UnknownPartError: if the catalog has none; the message lists those it has.
    """
    if name not in CATALOG:
        raise UnknownPartError(expected("Catalog", f"one of {sorted(CATALOG)}", f"'{name}'"))
    return CATALOG[name]


def citation(name: str) -> str:
    """BibTeX of the method a recipe builds."""
    return entry(name).bibtex
