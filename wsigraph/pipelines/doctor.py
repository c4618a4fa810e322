"""Look over an installation and a cohort before hours are spent on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.tasks.base import Task
from wsigraph.errors import GraphError, WsigraphError
from wsigraph.graph.build import to_graph
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features, verify_features
from wsigraph.io.features.writer import data_hash
from wsigraph.pipelines.cards import feature_files
from wsigraph.pipelines.reporter import Reporter, Silent

FEW_PATIENTS = 5
"""A class with fewer patients than this cannot stand in every one of five folds."""
TASK = "Looking at feature files"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong or worth a look.

    Args:
        kind: ``"fault"`` must be mended; ``"warning"`` should be understood.
        where: File, slide, class or patient.
        text: What it is and what to do.
    """

    kind: Literal["fault", "warning"]
    where: str
    text: str


@dataclass(frozen=True)
class Checkup:
    """What was found.

    Args:
        facts: Counts, by name.
        faults: What is wrong, worst first.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def examine_files(folder: str | Path, *, reporter: Reporter | None = None) -> Checkup:
    """Open every feature file of a folder: unreadable, NaN, no edges, duplicates, mixed encoders.

    Raises: FeatureFileError: if there is no feature file at all.
    """
    return _examine(feature_files([folder]), reporter or Silent())


def examine_manifest(
    manifest: str | Path,
    features: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    task: Task | None = None,
    reporter: Reporter | None = None,
) -> Checkup:
    """The same for the files of a manifest, and its labels and patients besides.

    Args:
        manifest: CSV or TSV.
        features: Folder of its feature files.
        columns: ``id_col``, ``patient_col`` and ``target_col``, where they are not the usual ones.
        task: What is asked, with the columns that it reads; one class per slide where None. Classes are what
            folds are drawn by: of a label tree the finest known ones, of numbers their strata.
        reporter: Who hears of the progress.

    Raises: CohortError: if the manifest is broken beyond use.
    """
    asked = "classification" if task is None else task
    cohort = Cohort.from_manifest(manifest, features=features, **(columns or {}), task=asked)
    files = _examine([slide.path for slide in cohort.slides], reporter or Silent())
    strata, one_class = cohort.strata, cohort.task.one_class
    patients = {name: set[str]() for name in (cohort.classes if one_class else sorted(set(strata)))}
    for name, patient in zip(strata, cohort.patients, strict=True):
        patients[name].add(patient)
    facts = {
        "slides": len(cohort),
        "patients": len(set(cohort.patients)),
        "left_out": len(cohort.left_out),
        "slides_per_class": dict(Counter(strata)),
        "patients_per_class": {label: len(names) for label, names in patients.items()},
        **{name: value for name, value in files.facts.items() if name != "files"},
    }
    faults = [Fault("fault", slide, why) for slide, why in cohort.left_out.items()]
    faults += [Fault("warning", "manifest", note) for note in cohort.notes if "left out" not in note]
    faults += _class_faults(patients, least=2 if one_class else 0) + _patient_faults(cohort)
    return Checkup(facts, tuple(_worst_first([*faults, *files.faults])))


def _examine(files: Sequence[Path], reporter: Reporter) -> Checkup:
    faults: list[Fault] = []
    digests: dict[str, str] = {}
    kinds: dict[tuple[Any, ...], list[str]] = {}
    sizes: list[int] = []
    reporter.start(TASK, len(files))
    for file in files:
        reporter.advance(TASK)
        try:
            features = read_features(file)
            if features.source == "wsigraph":
                verify_features(file)
        except (WsigraphError, OSError) as error:
            faults.append(Fault("fault", file.name, str(error)))
            continue
        sizes.append(len(features))
        kinds.setdefault((features.x.shape[1], features.encoder, features.patch_px), []).append(file.name)
        faults += _graph_faults(file.name, features) + _twins(file.name, features, digests)
    reporter.finish(TASK)
    faults += _mixed(kinds)
    facts: dict[str, Any] = {"files": len(files), "readable": len(sizes)}
    if sizes:
        facts |= {
            "patches": sum(sizes),
            "patches_per_slide": f"{min(sizes)} to {max(sizes)}, median {int(np.median(sizes))}",
            "features": ", ".join(
                f"{width} channels ({encoder or 'encoder unknown'})" for width, encoder, _ in kinds
            ),
        }
    return Checkup(facts, tuple(_worst_first(faults)))


def _graph_faults(name: str, features: PatchFeatures) -> list[Fault]:
    if not len(features):
        return [
            Fault("fault", name, "no patch at all: the tissue finder found nothing, or the job stopped early")
        ]
    try:
        card = to_graph(features).card()
    except GraphError as error:
        return [Fault("fault", name, str(error))]
    faults = [Fault("warning", name, text) for text in card.warnings]
    if len(features) == 1:
        faults.append(Fault("warning", name, "one patch only: its graph has no neighbours"))
    constant = int((features.x == features.x[0]).all(axis=0).sum()) if len(features) > 1 else 0
    if constant == features.x.shape[1]:
        faults.append(Fault("fault", name, f"all {len(features)} rows are the same: the encoder failed"))
    return faults


def _twins(name: str, features: PatchFeatures, digests: dict[str, str]) -> list[Fault]:
    other = digests.setdefault(data_hash(features.x, features.coords), name)
    if other == name:
        return []
    return [Fault("fault", name, f"holds the same features as {other}: one slide under two names leaks")]


def _mixed(kinds: Mapping[tuple[Any, ...], list[str]]) -> list[Fault]:
    if len(kinds) <= 1:
        return []
    common = max(kinds, key=lambda kind: len(kinds[kind]))
    return [
        Fault(
            "fault",
            names[0],
            f"{len(names)} files have {_words(kind)}, {len(kinds[common])} others {_words(common)}",
        )
        for kind, names in kinds.items()
        if kind != common
    ]


def _words(kind: tuple[Any, ...]) -> str:
    return f"{kind[0]} channels of encoder '{kind[1] or 'unknown'}' at {kind[2]} px"


def _class_faults(patients: Mapping[str, set[str]], *, least: int) -> list[Fault]:
    """Classes of too few patients; fewer than ``least`` cannot be learned, others may join in the folds."""
    faults = []
    if len(patients) < least:
        faults.append(
            Fault("fault", "labels", f"one class only ({', '.join(patients)}): nothing to tell apart")
        )
    for label, names in patients.items():
        if len(names) < FEW_PATIENTS:
            some = f"{len(names)} patient{'s' * (len(names) != 1)}"
            text = f"{some}: some of {FEW_PATIENTS} folds would lack it"
            faults.append(Fault("fault" if len(names) < least else "warning", f"class '{label}'", text))
    return faults


def _patient_faults(cohort: Cohort) -> list[Fault]:
    labels: dict[str, set[str]] = {}
    splits: dict[str, set[str]] = {}
    for slide, stratum in zip(cohort.slides, cohort.strata, strict=True):
        labels.setdefault(slide.patient_id, set()).add(stratum)
        if slide.split:
            splits.setdefault(slide.patient_id, set()).add(slide.split)
    if cohort.task.label_tree is not None:
        labels = {name: _finest(found) for name, found in labels.items()}
    faults = [
        Fault("warning", f"patient '{name}'", f"slides with different labels ({', '.join(sorted(found))})")
        for name, found in labels.items()
        if len(found) > 1
    ]
    return faults + [
        Fault("fault", f"patient '{name}'", f"stands on both sides of the split: {', '.join(sorted(found))}")
        for name, found in splits.items()
        if len(found) > 1
    ]


def _finest(lines: set[str]) -> set[str]:
    """Lines of a label tree (``benign / N``) less those that others only know more of (``benign``)."""
    return {line for line in lines if not any(other.startswith(f"{line} / ") for other in lines)}


def _worst_first(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.kind != "fault")
