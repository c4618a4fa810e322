"""Folds grouped by patient and stratified by label, and the check that nothing leaks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import CohortError, LeakError, expected
from wsigraph.training.seeds import mix


@dataclass(frozen=True)
class Split:
    """Indices of slides on each side of one fold.

    Args:
        repeat: Repeat of the cross-validation, from 0.
        fold: Fold within the repeat, from 0.
        train: Slides the model learns from.
        val: Slides that choose the epoch.
        test: Slides that are answered once, at the end.
    """

    repeat: int
    fold: int
    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]


def make_folds(
    labels: Sequence[str],
    patients: Sequence[str],
    *,
    folds: int,
    repeats: int = 1,
    seed: int = 0,
    val_share: float = 0.15,
) -> list[Split]:
    """Repeated k-fold splits, grouped by patient and stratified by label.

    Each slide is tested once per repeat. The validation slides of a fold are drawn from its training
    slides, again by patient and label, never from its test slides.

    Args:
        labels: One per slide.
        patients: One per slide.
        folds: Number of folds, at least 2.
        repeats: How often the whole is drawn anew.
        seed: Seed of the draws.
        val_share: Share of the training slides that validate.

    Raises: CohortError: if a class has fewer patients than needed to stand on every side.
    """
    _check_classes(labels, patients, folds=folds)
    splits = draw_folds(labels, patients, folds=folds, repeats=repeats, seed=seed, val_share=val_share)
    for split in splits:
        check_seen(split, labels)
    return splits


def draw_folds(
    strata: Sequence[str],
    patients: Sequence[str],
    *,
    folds: int,
    repeats: int = 1,
    seed: int = 0,
    val_share: float = 0.15,
) -> list[Split]:
    """The same for strata that are no classes, such as ``training.strata.patient_strata`` gives: none must
    stand on every side.

    Args:
        strata: One per slide; all slides of a patient in one.
        patients: One per slide.
        folds: Number of folds, at least 2.
        repeats: How often the whole is drawn anew.
        seed: Seed of the draws.
        val_share: Share of the training slides that validate.
    """
    splits = []
    for repeat in range(repeats):
        outer = _grouped(strata, patients, folds=folds, seed=mix(seed, "folds", repeat))
        for fold, test in enumerate(outer):
            rest = sorted(set(range(len(strata))) - set(test))
            val = _validation(rest, strata, patients, share=val_share, seed=mix(seed, "val", repeat, fold))
            train = sorted(set(rest) - set(val))
            splits.append(Split(repeat, fold, tuple(train), tuple(val), tuple(sorted(test))))
    for split in splits:
        check_leaks(split, patients)
    return splits


def split_off(
    labels: Sequence[str], patients: Sequence[str], *, share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Split slides once into (train, val) by patient and label."""
    everything = list(range(len(labels)))
    val = _validation(everything, labels, patients, share=share, seed=seed)
    return sorted(set(everything) - set(val)), sorted(val)


def check_leaks(
    split: Split,
    patients: Sequence[str],
    digests: Sequence[str] | None = None,
    *,
    overlap: Collection[str] = (),
) -> None:
    """Refuse a patient, or two identical feature files, on two sides.

    Args:
        split: The sides.
        patients: One per slide.
        digests: Hash of each slide's features, where known.
        overlap: Patients that may stand on two sides.

    Raises: LeakError: naming what leaks between which sides.
    """
    sides = {"train": split.train, "val": split.val, "test": split.test}
    for what, keys in (("patient", patients), ("features with hash", digests)):
        if keys is None:
            continue
        seen: dict[str, str] = {}
        for side, indices in sides.items():
            for key in sorted({keys[i] for i in indices}):
                if key in seen and not (keys is patients and key in overlap):
                    raise LeakError(
                        expected(
                            f"Fold {split.fold} of repeat {split.repeat}",
                            f"every {what} on one side",
                            f"{what} '{key}' in {seen[key]} and {side}",
                            todo="Give slides of one patient one patient_id; drop duplicated slides.",
                        )
                    )
                seen[key] = side


def check_seen(split: Split, labels: Sequence[str]) -> None:
    """Refuse a fold that does not train on every class.

    Raises: CohortError: naming the classes that are missing.
    """
    missing = sorted(set(labels) - {labels[i] for i in split.train})
    if missing:
        raise CohortError(
            expected(
                f"Fold {split.fold} of repeat {split.repeat}",
                "every class among the training slides",
                f"none of {missing}",
                todo="Their patients also have slides of rarer classes: use more folds or merge classes.",
            )
        )


def _check_classes(labels: Sequence[str], patients: Sequence[str], *, folds: int) -> None:
    if folds < 2:
        raise CohortError(expected("Cross-validation", "at least 2 folds", f"{folds}"))
    per_class = _patients_per_class(labels, patients)
    if len(per_class) < 2:
        raise CohortError(expected("Cross-validation", "at least 2 classes", f"{sorted(per_class)}"))
    few = {c: n for c, n in sorted(per_class.items()) if n < folds}
    if few:
        listed = ", ".join(f"'{c}' has {n}" for c, n in few.items())
        raise CohortError(
            expected(
                "Cross-validation",
                f"at least {folds} patients in every class for {folds} folds",
                f"{listed}",
                todo="Use fewer folds, merge classes or leave the class out.",
            )
        )


def _grouped(labels: Sequence[str], patients: Sequence[str], *, folds: int, seed: int) -> list[list[int]]:
    """Deal the patients of each class to the folds in turn, those with many slides first.

    Every fold holds as many patients of a class as any other, give or take one, and about as many slides.
    """
    slides = _slides_of(patients)
    held: list[list[int]] = [[] for _ in range(folds)]
    for mine in _shuffled_by_class(labels, patients, seed=seed).values():
        dealt = [0] * folds
        for patient in sorted(mine, key=lambda p: -len(slides[p])):
            fold = min(range(folds), key=lambda f: (dealt[f], len(held[f]), f))
            dealt[fold] += 1
            held[fold] += slides[patient]
    return held


def _validation(
    rest: Sequence[int], labels: Sequence[str], patients: Sequence[str], *, share: float, seed: int
) -> list[int]:
    some_labels, some_patients = [labels[i] for i in rest], [patients[i] for i in rest]
    chosen: set[str] = set()
    for mine in _shuffled_by_class(some_labels, some_patients, seed=seed).values():
        if len(mine) < 2:
            raise CohortError(
                expected(
                    "Validation split",
                    "at least 2 patients of every class outside the test fold",
                    f"{_patients_per_class(some_labels, some_patients)}",
                    todo="Use more folds or merge classes.",
                )
            )
        chosen.update(mine[: max(1, round(share * len(mine)))])
    return [i for i in rest if patients[i] in chosen]


def _shuffled_by_class(labels: Sequence[str], patients: Sequence[str], *, seed: int) -> dict[str, list[str]]:
    """Patients of each class in random order; one with slides of several classes counts for the rarest."""
    counts = _patients_per_class(labels, patients)
    rng = np.random.default_rng(seed)
    groups: dict[str, list[str]] = {name: [] for name in sorted(counts, key=lambda c: (counts[c], c))}
    for patient, slides in sorted(_slides_of(patients).items()):
        groups[min((labels[i] for i in slides), key=lambda c: (counts[c], c))].append(patient)
    return {name: rng.permutation(mine).tolist() for name, mine in groups.items() if mine}


def _slides_of(patients: Sequence[str]) -> dict[str, list[int]]:
    slides: dict[str, list[int]] = {}
    for index, patient in enumerate(patients):
        slides.setdefault(patient, []).append(index)
    return slides


def _patients_per_class(labels: Sequence[str], patients: Sequence[str]) -> dict[str, int]:
    pairs = set(zip(labels, patients, strict=True))
    return {c: sum(label == c for label, _ in pairs) for c in sorted(set(labels))}
