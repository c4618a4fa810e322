"""A cohort: slides with patients, labels and feature files, from a manifest."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import sha256
from wsigraph.io.ids import check_id


@dataclass(frozen=True)
class Slide:
    """One row of a cohort.

    Args:
        slide_id: Name of the slide.
        patient_id: Name of its patient.
        label: Its class; empty where unknown.
        path: Its feature file.
        split: Its side of an official split; empty where there is none.
        site: Where it comes from; empty where unknown.
    """

    slide_id: str
    patient_id: str
    label: str
    path: Path
    split: str = ""
    site: str = ""


@dataclass(frozen=True)
class Cohort:
    """Slides that can be trained on or predicted, and what was left out of the manifest.

    Args:
        slides: The usable slides, in the manifest's order.
        classes: Class names, in the order of a model's outputs.
        left_out: Reason by slide id, for slides that cannot be used.
        notes: What a person should know, one sentence each.
        source: Path and sha256 of the manifest.
    """

    slides: tuple[Slide, ...]
    classes: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.slides)

    @property
    def labels(self) -> list[str]:
        """Class of each slide."""
        return [slide.label for slide in self.slides]

    @property
    def patients(self) -> list[str]:
        """Patient of each slide."""
        return [slide.patient_id for slide in self.slides]

    @property
    def targets(self) -> list[int]:
        """Index of each slide's class, -1 where unknown."""
        index = {name: i for i, name in enumerate(self.classes)}
        return [index.get(slide.label, -1) for slide in self.slides]

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
    ) -> Cohort:
        """Read a CSV or TSV with a header.

        Slides without a label or without a feature file are left out, named and counted; the rest goes on.
        A manifest without the patient column takes the slide as the patient and says so once.

        Args:
            manifest: The file.
            features: Folder of ``<slide_id>.h5`` files.
            id_col: Column of slide ids; a slide suffix (``.svs``) is dropped if the feature file has none.
            patient_col: Column of patients.
            target_col: Column of classes; None reads no labels, for label-free pretraining.
            classes: Class names in order; sorted names of the manifest where not given.

        Raises: CohortError: on missing columns, unsafe or duplicate ids, unknown classes, or nothing left.
        """
        manifest, folder = Path(manifest), Path(features)
        rows = _read_rows(manifest, id_col, target_col)
        notes: list[str] = []
        if patient_col not in rows[0]:
            notes.append(
                f"'{manifest.name}' has no column '{patient_col}': each slide counts as its own patient, so "
                "several slides of one patient may stand on both sides of a split."
            )
        slides, left_out = _match(
            rows, manifest, folder, id_col=id_col, patient_col=patient_col, target=target_col
        )
        if not slides:
            some = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
            raise CohortError(
                expected(
                    f"Manifest '{manifest}'",
                    "at least one slide with a label and a feature file",
                    f"none of {len(rows)} ({some})",
                    todo="Check --features, --id-col and --target-col.",
                )
            )
        names = tuple(classes) if classes else tuple(sorted({slide.label for slide in slides} - {""}))
        unknown = sorted({slide.label for slide in slides} - set(names) - {""})
        if unknown:
            raise CohortError(expected(f"Manifest '{manifest}'", f"labels among {list(names)}", f"{unknown}"))
        if left_out:
            listed = "; ".join(f"{name} ({why})" for name, why in list(left_out.items())[:5])
            more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
            notes.append(f"{len(left_out)} of {len(rows)} slides were left out: {listed}{more}.")
        source = {"manifest": str(manifest), "sha256": sha256(manifest)}
        return cls(tuple(slides), names, left_out, tuple(notes), source)


def _read_rows(manifest: Path, id_col: str, target_col: str | None) -> list[dict[str, str]]:
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(expected(f"Manifest '{manifest}'", "a readable CSV file", f"{error}")) from error
    lines = text.splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    try:
        rows = list(csv.DictReader(lines, delimiter=delimiter, restval=""))
    except csv.Error as error:
        raise CohortError(expected(f"Manifest '{manifest}'", "a CSV file", f"{error}")) from error
    if not rows:
        raise CohortError(
            expected(f"Manifest '{manifest}'", "a header and at least one row", f"{len(lines)} lines")
        )
    for column, option in ((id_col, "--id-col"), (target_col, "--target-col")):
        if column is not None and column not in rows[0]:
            raise CohortError(
                expected(
                    f"Manifest '{manifest}'",
                    f"a column '{column}'",
                    f"columns {[c for c in rows[0] if c is not None]}",
                    todo=f"Name it with {option}.",
                )
            )
    return rows


def _match(
    rows: list[dict[str, str]],
    manifest: Path,
    folder: Path,
    *,
    id_col: str,
    patient_col: str,
    target: str | None,
) -> tuple[list[Slide], dict[str, str]]:
    slides: list[Slide] = []
    left_out: dict[str, str] = {}
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        where = f"Manifest '{manifest.name}', line {number}"
        slide_id = check_id((row[id_col] or "").strip(), where=where)
        path = _feature_file(folder, slide_id)
        name = slide_id if path is None else path.stem  # 'A' and 'A.svs' are one slide
        if name in seen:
            raise CohortError(
                expected(
                    where,
                    "every slide id once",
                    f"'{slide_id}' again (first in line {seen[name]})",
                    todo="Remove one of the two rows.",
                )
            )
        seen[name] = number
        label = "" if target is None else (row[target] or "").strip()
        if path is None:
            left_out[slide_id] = f"no feature file {folder.name}/{slide_id}.h5"
        elif target is not None and (not label or label.lower() == "nan"):
            left_out[slide_id] = f"no label in column '{target}'"
        else:
            patient = (row.get(patient_col) or "").strip() or name
            slides.append(
                Slide(
                    name,
                    patient,
                    label,
                    path,
                    split=(row.get("split") or ""),
                    site=(row.get("site") or ""),
                )
            )
    return slides, left_out


def _feature_file(folder: Path, slide_id: str) -> Path | None:
    stem = slide_id.rsplit(".", 1)[0] if "." in slide_id else slide_id
    for name in dict.fromkeys((slide_id, stem)):
        path = folder / f"{name}.h5"
        if path.is_file():
            return path
    return None
