"""A cohort: slides with patients, targets and feature files, from a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Target, Task, make_task
from wsigraph.data.tasks.classification import Classification
from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import sha256
from wsigraph.io.features.finder import feature_files
from wsigraph.io.join import UNMATCHED, UNUSED, Join, join
from wsigraph.io.manifest import Entry, read_manifest


@dataclass(frozen=True)
class Slide:
    """One row of a cohort.

    Args:
        slide_id: Name of the slide.
        patient_id: Name of its patient.
        label: Its class; empty where unknown. For other tasks what the manifest says, as one text.
        path: Its feature file.
        split: Its side of an official split; empty where there is none.
        site: Where it comes from; empty where unknown.
        target: Its target row, for tasks other than one class per slide.
    """

    slide_id: str
    patient_id: str
    label: str
    path: Path
    split: str = ""
    site: str = ""
    target: tuple[float, ...] = ()


@dataclass(frozen=True)
class Cohort:
    """Slides that can be trained on or predicted, and what was left out of the manifest.

    Args:
        slides: The usable slides, in the manifest's order.
        classes: Names of classes, labels or values, in the order of a model's outputs; none for survival.
        left_out: Reason by slide id, for slides that cannot be used.
        notes: What a person should know, one sentence each.
        source: Path and sha256 of the manifest.
        task: What is asked of the slides.
        join: How the manifest and the feature files met; None where there was no manifest.
    """

    slides: tuple[Slide, ...]
    classes: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: dict[str, str] = field(default_factory=dict)
    task: Task = field(default_factory=Classification)
    join: Join | None = None

    def __len__(self) -> int:
        return len(self.slides)

    @property
    def labels(self) -> list[str]:
        """Class of each slide; for other tasks what the manifest says of it."""
        return [slide.label for slide in self.slides]

    @property
    def patients(self) -> list[str]:
        """Patient of each slide."""
        return [slide.patient_id for slide in self.slides]

    @property
    def targets(self) -> list[Target]:
        """Index of each slide's class, -1 where unknown; for other tasks its target row."""
        if not self.task.one_class:
            return [slide.target for slide in self.slides]
        index = {name: i for i, name in enumerate(self.classes)}
        return [index.get(slide.label, -1) for slide in self.slides]

    @property
    def strata(self) -> list[str]:
        """What folds get about the same share of: the class, or the task's strata."""
        return self.labels if self.task.one_class else self.task.strata(self.targets, self.classes)

    def subset(self, indices: Iterable[int]) -> Cohort:
        """The slides at ``indices``, in that order."""
        return replace(self, slides=tuple(self.slides[i] for i in indices))

    def without(self, failed: dict[str, str]) -> Cohort:
        """The cohort less the slides named in ``failed``, which are added to ``left_out``."""
        kept = tuple(slide for slide in self.slides if slide.slide_id not in failed)
        return replace(self, slides=kept, left_out={**self.left_out, **failed})

    @classmethod
    def from_manifest(
        cls,
        manifest: str | Path,
        *,
        features: str | Path,
        id_col: str = "slide_id",
        patient_col: str = "patient_id",
        target_col: str | None = "label",
        classes: Sequence[str] | None = None,
        task: str | Mapping[str, Any] | Task = "classification",
    ) -> Cohort:
        """Read a CSV or TSV with a header.

        Slides without a target or without a feature file are left out, named and counted; the rest goes on.
        A manifest without the patient column takes the slide as the patient and says so once.

        Args:
            manifest: The file.
            features: Folder of feature files: ours, or the output of a tool whose layout is known.
            id_col: Column of slide ids; a slide suffix (``.svs``) or the UUID of TCGA's files may stand on
                one side only.
            patient_col: Column of patients.
            target_col: Column of classes, labels or values; None reads no targets, for label-free
                pretraining.
            classes: Class names in order; sorted names of the manifest where not given.
            task: What is asked, by name, with its options (``{"name": "cox", "time_col": "months"}``) or
                itself.

        Raises: CohortError: on missing columns, unsafe or duplicate ids, cells that cannot be read, unknown
            classes, or nothing left. RecipeError: if there is no such task.
        """
        manifest, folder = Path(manifest), Path(features)
        asked = make_task(task, target_col=target_col)
        columns = asked.columns if target_col is not None else ()
        files = feature_files(folder)
        rows, has_patients = read_manifest(
            manifest, files, id_col=id_col, patient_col=patient_col, columns=columns
        )
        notes: list[str] = []
        if not has_patients:
            notes.append(_no_patients(manifest, patient_col))
        met = _join(rows, files, asked if columns else None)
        left_out = _left_out(rows, met, folder, asked if columns else None)
        kept = [entry for entry in rows if entry.given_id not in left_out]
        if not kept:
            raise CohortError(_nothing_left(manifest, folder, left_out, met))
        names = _names(manifest, kept, asked, classes) if columns else tuple(classes or ())
        if left_out:
            listed = "; ".join(f"{name} ({why})" for name, why in list(left_out.items())[:5])
            more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
            notes.append(f"{len(left_out)} of {len(rows)} slides were left out: {listed}{more}.")
        source = {"manifest": str(manifest), "sha256": sha256(manifest)}
        slides = tuple(_slide(entry, asked if columns else None, names) for entry in kept)
        return cls(slides, names, left_out, tuple(notes), source, asked, met)

    @classmethod
    def of_labels(
        cls,
        manifest: str | Path,
        *,
        id_col: str = "slide_id",
        patient_col: str = "patient_id",
        target_col: str = "label",
        classes: Sequence[str] | None = None,
        task: str | Mapping[str, Any] | Task = "classification",
    ) -> Cohort:
        """The labelled slides of a manifest, whether or not they have features: to split, not to train on.

        Args and Raises: as ``from_manifest``.
        """
        manifest = Path(manifest)
        asked = make_task(task, target_col=target_col)
        rows, has_patients = read_manifest(
            manifest, {}, id_col=id_col, patient_col=patient_col, columns=asked.columns
        )
        left_out = {entry.given_id: why for entry in rows if (why := asked.missing(entry.cells))}
        kept = [replace(entry, path=Path()) for entry in rows if entry.given_id not in left_out]
        if not kept:
            raise CohortError(expected(f"Manifest '{manifest}'", "at least one label", f"{len(rows)} slides"))
        names = _names(manifest, kept, asked, classes)
        notes = [] if has_patients else [_no_patients(manifest, patient_col)]
        if left_out:
            notes.append(f"{len(left_out)} of {len(rows)} slides have no label and are left out.")
        source = {"manifest": str(manifest), "sha256": sha256(manifest)}
        slides = tuple(_slide(entry, asked, names) for entry in kept)
        return cls(slides, names, left_out, tuple(notes), source, asked)


def _no_patients(manifest: Path, patient_col: str) -> str:
    """What a person should know of a manifest without patients."""
    return (
        f"'{manifest.name}' has no column '{patient_col}': each slide counts as its own patient, so "
        "several slides of one patient may stand on both sides of a split."
    )


def _names(
    manifest: Path, entries: Sequence[Entry], task: Task, classes: Sequence[str] | None
) -> tuple[str, ...]:
    """Names in the order of a model's outputs; a manifest may not hold others than those given."""
    found = {word for entry in entries for word in task.words(entry.cells)}
    if not classes:
        return task.in_order(found)
    unknown = sorted(found - set(classes))
    if unknown:
        raise CohortError(expected(f"Manifest '{manifest}'", f"labels among {list(classes)}", f"{unknown}"))
    return tuple(classes)


def _join(rows: Sequence[Entry], files: Mapping[str, Path], task: Task | None) -> Join:
    """The manifest beside the files; a row without features counts as that, labelled or not."""
    met = [entry for entry in rows if entry.path is not None]
    reasons = {entry.given_id: task.missing(entry.cells) for entry in met} if task is not None else {}
    pairs = [(entry.given_id, None if entry.path is None else entry.slide_id) for entry in rows]
    return join(pairs, files, {name: why for name, why in reasons.items() if why})


def _left_out(rows: Sequence[Entry], met: Join, folder: Path, task: Task | None) -> dict[str, str]:
    """Why a slide cannot be used, by id as in the manifest."""
    reasons = {}
    for entry in rows:
        why = "" if task is None else task.missing(entry.cells)
        if entry.path is None:
            hint = met.states[UNMATCHED][entry.given_id]
            why = f"no feature file of '{entry.given_id}' in {folder.name}/" + (f": {hint}" if hint else "")
        if why:
            reasons[entry.given_id] = why
    return reasons


def _nothing_left(manifest: Path, folder: Path, left_out: Mapping[str, str], met: Join) -> str:
    """The sentence that refuses a cohort without a usable slide: three names of each side."""
    some = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
    what, todo = "at least one slide with a label and a feature file", "Check --target-col."
    if len(met.states[UNMATCHED]) == len(left_out):
        there = list(met.states[UNUSED])
        names = ", ".join(f"'{name}'" for name in there[:3])
        some += f"; {folder.name}/ has {len(there)} feature files{': ' if there else ''}{names}"
        todo = "Check --features and --id-col."
    return expected(f"Manifest '{manifest}'", what, f"none of {len(left_out)} ({some})", todo=todo)


def _slide(entry: Entry, task: Task | None, classes: tuple[str, ...]) -> Slide:
    """The slide with its label, and with its target row where the task has one."""
    assert entry.path is not None
    label = "" if task is None else task.told(entry.cells)
    row: tuple[float, ...] = ()
    if task is not None and not task.one_class:
        row = task.row(entry.cells, classes, where=entry.where)
    return Slide(entry.slide_id, entry.patient_id, label, entry.path, entry.split, entry.site, row)
