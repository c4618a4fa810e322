"""Look over a manifest: its labels, patients and splits, and the feature files it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from wsigraph.data.tasks.base import Task
from wsigraph.io.cohort import Cohort
from wsigraph.io.join import UNLABELLED, UNMATCHED, UNUSED, Join
from wsigraph.pipelines.doctor.fault import Checkup, Fault, Kind, worst_first
from wsigraph.pipelines.doctor.files import examine
from wsigraph.pipelines.reporter import Reporter

FEW_PATIENTS = 5
"""A class with fewer patients than this cannot stand in every one of five folds."""
UNPAIRED: tuple[tuple[str, str, str, Kind], ...] = (
    (UNLABELLED, "missing_label", "no label", "fault"),
    (UNMATCHED, "missing_features", "no feature file", "fault"),
    (UNUSED, "unlisted", "no row names it", "warning"),
)
"""State of a slide, name of the fault, what is said where the join says nothing, and how bad it is."""


def examine_manifest(
    manifest: str | Path,
    features: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    task: Task | None = None,
    workers: int | None = 0,
    reporter: Reporter | None = None,
) -> Checkup:
    """Read a manifest as training does, and every feature file it names once.

    Args:
        manifest: CSV or TSV.
        features: Folder of its feature files.
        columns: ``id_col``, ``patient_col`` and ``target_col``, where they are not the usual ones.
        task: What is asked, with the columns that it reads; one class per slide where None. Classes are what
            folds are drawn by: of a label tree the finest known ones, of numbers their strata.
        workers: Processes to share the work; 0 does it here, None takes as many as help.
        reporter: Who hears of the progress.

    Raises: CohortError: if the manifest is broken beyond use.
    """
    asked = "classification" if task is None else task
    cohort = Cohort.from_manifest(manifest, features=features, **(columns or {}), task=asked)
    files = examine([slide.path for slide in cohort.slides], workers=workers, reporter=reporter)
    patients = _patients_by_class(cohort)
    facts = {
        "slides": len(cohort),
        "patients": len(set(cohort.patients)),
        "left_out": len(cohort.left_out),
        "slides_per_class": dict(Counter(cohort.strata)),
        "patients_per_class": {label: len(names) for label, names in patients.items()},
        "slides_per_split": dict(Counter(slide.split for slide in cohort.slides if slide.split)),
        **files.facts,
    }
    faults = _join_faults(cohort.join)
    faults += [Fault("manifest", "manifest", note, "warning") for note in cohort.notes if _is_news(note)]
    faults += _class_faults(patients, least=2 if cohort.task.one_class else 0)
    faults += [*_label_faults(cohort), *_split_faults(cohort)]
    return Checkup(facts, worst_first([*faults, *files.faults]))


def _patients_by_class(cohort: Cohort) -> dict[str, set[str]]:
    names = cohort.classes if cohort.task.one_class else sorted(set(cohort.strata))
    patients = {name: set[str]() for name in names}
    for name, patient in zip(cohort.strata, cohort.patients, strict=True):
        patients[name].add(patient)
    return patients


def _join_faults(met: Join | None) -> list[Fault]:
    """Slides without a partner, with the likely cause where names tell one."""
    states = {} if met is None else met.states
    return [
        Fault(name, slide, why or else_said, kind)
        for state, name, else_said, kind in UNPAIRED
        for slide, why in states.get(state, {}).items()
    ]


def _is_news(note: str) -> bool:
    """Slides that are left out are named one by one."""
    return "were left out" not in note


def _class_faults(patients: Mapping[str, set[str]], *, least: int) -> list[Fault]:
    """Classes of too few patients; fewer than ``least`` cannot be learned, others may join in the folds."""
    faults = []
    if len(patients) < least:
        faults.append(Fault("one_class", "labels", f"one class only ({', '.join(patients)})"))
    for label, names in patients.items():
        if len(names) < FEW_PATIENTS:
            some = f"{len(names)} patient{'s' * (len(names) != 1)}"
            text = f"{some}: some of {FEW_PATIENTS} folds would lack it"
            kind: Kind = "fault" if len(names) < least else "warning"
            faults.append(Fault("few_patients", f"class '{label}'", text, kind))
    return faults


def _label_faults(cohort: Cohort) -> list[Fault]:
    labels: dict[str, set[str]] = {}
    for slide, stratum in zip(cohort.slides, cohort.strata, strict=True):
        labels.setdefault(slide.patient_id, set()).add(stratum)
    if cohort.task.label_tree is not None:
        labels = {name: _finest(found) for name, found in labels.items()}
    return [
        Fault("several_labels", f"patient '{name}'", ", ".join(sorted(found)), "warning")
        for name, found in labels.items()
        if len(found) > 1
    ]


def _split_faults(cohort: Cohort) -> list[Fault]:
    splits: dict[str, set[str]] = {}
    for slide in cohort.slides:
        if slide.split:
            splits.setdefault(slide.patient_id, set()).add(slide.split)
    return [
        Fault("patient_on_two_sides", f"patient '{name}'", ", ".join(sorted(found)))
        for name, found in splits.items()
        if len(found) > 1
    ]


def _finest(lines: set[str]) -> set[str]:
    """Lines of a label tree (``benign / N``) less those that others only know more of (``benign``)."""
    return {line for line in lines if not any(other.startswith(f"{line} / ") for other in lines)}
