"""Folds grouped by patient and stratified by label, and the check that nothing leaks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
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
    splits = []
    for repeat in range(repeats):
        outer = _grouped(labels, patients, folds=folds, seed=mix(seed, "folds", repeat))
        for fold, test in enumerate(outer):
            rest = sorted(set(range(len(labels))) - set(test))
            val = _validation(rest, labels, patients, share=val_share, seed=mix(seed, "val", repeat, fold))
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


def check_leaks(split: Split, patients: Sequence[str], digests: Sequence[str] | None = None) -> None:
    """Refuse a patient, or two identical feature files, on two sides.

    Args:
        split: The sides.
        patients: One per slide.
        digests: Hash of each slide's features, where known.

    Raises: LeakError: naming what leaks between which sides.
    """
    sides = {"train": split.train, "val": split.val, "test": split.test}
    for what, keys in (("patient", patients), ("features with hash", digests)):
        if keys is None:
            continue
        seen: dict[str, str] = {}
        for side, indices in sides.items():
            for key in sorted({keys[i] for i in indices}):
                if key in seen:
                    raise LeakError(
                        expected(
                            f"Fold {split.fold} of repeat {split.repeat}",
                            f"every {what} on one side",
                            f"{what} '{key}' in {seen[key]} and {side}",
                            todo="Give slides of one patient one patient_id; drop duplicated slides.",
                        )
                    )
                seen[key] = side


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
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare class in a small validation draw
        return [test.tolist() for _, test in splitter.split(np.zeros(len(labels)), labels, patients)]


def _validation(
    rest: Sequence[int], labels: Sequence[str], patients: Sequence[str], *, share: float, seed: int
) -> list[int]:
    parts = max(2, round(1 / share))
    some_labels, some_patients = [labels[i] for i in rest], [patients[i] for i in rest]
    parts = min(parts, *_patients_per_class(some_labels, some_patients).values())
    if parts < 2:
        raise CohortError(
            expected(
                "Validation split",
                "at least 2 patients of every class outside the test fold",
                f"{_patients_per_class(some_labels, some_patients)}",
                todo="Use more folds or merge classes.",
            )
        )
    first = _grouped(some_labels, some_patients, folds=parts, seed=seed)[0]
    return [rest[i] for i in first]


def _patients_per_class(labels: Sequence[str], patients: Sequence[str]) -> dict[str, int]:
    pairs = set(zip(labels, patients, strict=True))
    return {c: sum(label == c for label, _ in pairs) for c in sorted(set(labels))}
