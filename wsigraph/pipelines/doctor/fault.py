"""What can be wrong with a cohort, each under a name that does not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["fault", "warning"]

KNOWN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # what a machine lacks
        "openslide": (
            "OpenSlide cannot be loaded",
            "Install openslide-bin; encoded slides can be trained on.",
        ),
        "kernels": (
            "compiled kernels that fail or differ",
            "Install the versions of constraints.txt before training.",
        ),
        "disk": ("little room on the disk", "Free some: a full disk ends training."),
        # faults of files
        "unreadable": ("unreadable", "Copy or encode these slides again."),
        "unknown_layout": ("a layout that is not known", "Convert these files, see the text."),
        "altered": ("data other than what was written", "Copy or encode these slides again."),
        "empty": ("no patch at all", "Find the tissue again, or leave these slides out."),
        "nan": (
            "NaN or inf in the features",
            "Encode these slides again, or leave them out of the manifest.",
        ),
        "no_coordinates": (
            "features without coordinates",
            "Write 'coords' beside 'features' for a graph; methods on sets (abmil) can do without.",
        ),
        "no_edges": ("a graph without edges", "Check patch_size_level0 and the step of these files."),
        "wrong_step": (
            "a stated step that the coordinates contradict",
            "Check patch_size_level0: it is in level-0 pixels, not in those of the encoded patch.",
        ),
        "same_rows": ("the same features in every row", "Encode these slides again: the encoder failed."),
        "duplicate": ("the same data as another file", "One slide under two names leaks: remove one."),
        "mixed_widths": ("another number of channels than most", "Use features of one encoder."),
        "mixed_encoders": (
            "another encoder or patch size than most",
            "Use features of one encoder and one patch size.",
        ),
        # faults of a manifest
        "missing_label": ("no label", "Fill the column, or choose another with --target-col."),
        "missing_features": (
            "no feature file",
            "Encode these slides, check --features, or remove their rows.",
        ),
        "patient_on_two_sides": (
            "a patient on more than one side of the split",
            "Move all slides of a patient to one side: else the test is of patients seen in training.",
        ),
        "one_class": ("nothing to tell apart", "Choose another column with --target-col."),
        "few_patients": ("few patients", "Use fewer folds, or join classes."),
        # what should be understood
        "one_patch": ("one patch only", "Its graph has no neighbours: see whether tissue was missed."),
        "isolated": ("many patches without a neighbour", "Check the step, or the overlap."),
        "no_lattice": ("no sure lattice", "Neighbours are found by distance, which is right for points."),
        "odd_step": ("patches of another size on the tissue than most", "Encode all slides alike."),
        "mpp_unknown": ("microns per pixel unknown", "Distances in um cannot be given."),
        "shared_coordinates": ("patches at the same place", "They count as one position."),
        "row_by_row": (
            "features stored one row at a time, which read slowly",
            "wsigraph pack writes them anew, many rows a chunk.",
        ),
        "several_labels": (
            "slides with different labels",
            "Right for several blocks of a patient; else mend.",
        ),
        "unlisted": ("features without a row of the manifest", "Nothing, unless they should have one."),
        "manifest": ("about the manifest", ""),
    }
)
"""Title and advice by name."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong or worth a look.

    Args:
        name: Which, as in ``KNOWN``.
        where: File, slide, class or patient.
        text: What was found there.
        kind: ``"fault"`` must be mended; ``"warning"`` should be understood.
    """

    name: str
    where: str
    text: str
    kind: Kind = "fault"


@dataclass(frozen=True)
class Group:
    """The same fault in many places.

    Args:
        name: Which, as in ``KNOWN``.
        kind: ``"fault"`` or ``"warning"``.
        faults: In the order they were found.
    """

    name: str
    kind: Kind
    faults: tuple[Fault, ...]

    @property
    def title(self) -> str:
        """What these places have in common."""
        return KNOWN[self.name][0]

    @property
    def todo(self) -> str:
        """What to do about it."""
        return KNOWN[self.name][1]


@dataclass(frozen=True)
class Checkup:
    """What was found.

    Args:
        facts: Counts, by name.
        faults: What is wrong, worst first.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The faults by name, worst first."""
        found: dict[tuple[str, Kind], list[Fault]] = {}
        for fault in self.faults:
            found.setdefault((fault.name, fault.kind), []).append(fault)
        return tuple(Group(name, kind, tuple(faults)) for (name, kind), faults in found.items())


def worst_first(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults before warnings, each in the order of ``KNOWN``."""
    order = list(KNOWN)
    return tuple(sorted(faults, key=lambda fault: (fault.kind != "fault", order.index(fault.name))))
