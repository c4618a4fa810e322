"""Starting a network from a finished run: what may be taken, what was, and which slides that run has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wsigraph.errors import LeakError, RunError, expected
from wsigraph.io.atomic import read_json, sha256
from wsigraph.io.cohort import Cohort
from wsigraph.io.model_files import WEIGHTS, load_states
from wsigraph.training.recipe import Recipe
from wsigraph.training.splits import Split


@dataclass(frozen=True)
class Start:
    """A finished run that others start from.

    Args:
        run: Its folder.
        record: Its ``run.json``.
    """

    run: Path
    record: Mapping[str, Any]

    @property
    def folds(self) -> bool:
        """Whether it was trained fold by fold: each fold starts from the one that never saw its tests."""
        return self.record["plan"]["kind"] == "cross_validation"

    def folder(self, repeat: int = 0, fold: int = 0) -> Path:
        """The network that a fold starts from."""
        if not self.folds:
            return self.run / "fold_0"
        return (self.run if repeat == 0 else self.run / f"repeat_{repeat}") / f"fold_{fold}"

    @property
    def before(self) -> Mapping[str, Any]:
        """What its record holds of the run that it started from itself."""
        return self.record.get("start", {})

    @property
    def learned_from_labels(self) -> bool:
        """Whether it, or a run it started from, was a classifier."""
        return bool(self.record["recipe"]["heads"]) or self.before.get("learned_from_labels", False)

    @property
    def seen(self) -> dict[str, str]:
        """Patient by slide, for all slides that it, or a run it started from, has seen."""
        own = {name: row["patient_id"] for name, row in self.record["data"]["slides"].items()}
        return {**self.before.get("seen", {}), **own}

    @property
    def digest(self) -> str:
        """Hash of all its weights."""
        files = sorted(self.run.rglob(WEIGHTS))
        return hashlib.sha256("".join(sha256(file) for file in files).encode()).hexdigest()


@dataclass(frozen=True)
class Taken:
    """Names of weights by what became of them.

    Args:
        taken: In both, and copied.
        new: In the new network only, or of another shape: drawn anew.
        unused: In the run only.
    """

    taken: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def open_start(path: str | Path, recipe: Recipe) -> Start:
    """A finished run whose features are those of ``recipe``.

    Raises: RunError: if it is no finished run, or was trained on other features or another scale of them.
    """
    run = Path(path)
    if not (run / "run.json").is_file():
        raise RunError(
            expected(f"Start '{run}'", "a file run.json", "none", todo="Give a folder of `wsigraph train`.")
        )
    start = Start(run, read_json(run / "run.json"))
    theirs = Recipe.from_dict(start.record["recipe"])
    for what, mine, other in (
        ("channels", recipe.in_channels, theirs.in_channels),
        ("patch encoder", recipe.features.encoder, theirs.features.encoder),
        ("patch_px", recipe.features.patch_px, theirs.features.patch_px),
        ("target_mpp", recipe.features.target_mpp, theirs.features.target_mpp),
        ("standardise", recipe.standardise, theirs.standardise),
    ):
        if mine != other:
            raise RunError(
                expected(
                    f"Start '{run}'",
                    f"a run on the same features, {what} {mine!r}",
                    f"{other!r}",
                    todo="Pretrain on features encoded alike, by a recipe that standardises alike.",
                )
            )
    return start


def take(folder: Path, model: nn.Module, objectives: nn.Module) -> Taken:
    """Copy what agrees in name and shape: stem, layers, tokens, decoders and standardisation; heads are new.

    Raises: RunError: if nothing of the encoder agrees.
    """
    found, decoders = load_states(folder)
    result, matrices = Taken(), 0
    for prefix, part, given in (("", model, found), ("terms: ", objectives, decoders)):
        for name, mine in part.state_dict().items():
            other = given.get(name)
            own = name.startswith("heads.") or ".seen." in name  # what terms saw of other training slides
            fits = other is not None and other.shape == mine.shape and not own
            (result.taken if fits else result.new).append(prefix + name)
            matrices += fits and mine.ndim > 1 and name.startswith("encoder.")
            if fits:
                _copy(other, mine)
        result.unused.extend(prefix + name for name in given if prefix + name not in result.taken)
    if not matrices:  # single slopes and biases agree by chance
        raise RunError(
            expected(
                f"Start '{folder}'",
                "an encoder of the same kind and width",
                "no weight of the same name and shape",
                todo="Choose the encoder and its hidden_channels as the run did.",
            )
        )
    return result


@torch.no_grad()
def _copy(source: Tensor | None, target: Tensor) -> None:
    assert source is not None
    target.copy_(source)


def start_record(
    start: Start, taken: Taken, cohort: Cohort, digests: Sequence[str], splits: Sequence[Split]
) -> dict[str, Any]:
    """What ``run.json`` holds of a start: weights taken and not, slides seen, and what of the tests was seen.

    Raises: LeakError: if the run learned from labels and saw slides or patients that are tests here.
        RunError: if the run has folds that are not the folds here.
    """
    _check_finished(start, splits)
    if start.folds:
        _check_same_folds(start, cohort, digests, splits)
    slides, patients = _seen_tests(start, cohort, digests, splits)
    if (slides or patients) and start.learned_from_labels:
        raise LeakError(
            expected(
                f"Start '{start.run}'",
                "a run that learned from no label of the test slides",
                f"{len(slides)} test slides and {len(patients)} test patients in its training "
                f"(first '{(slides or patients)[0]}')",
                todo="Start from label-free pretraining, or from a run on other patients.",
            )
        )
    return {
        "run": str(start.run),
        "recipe": start.record["recipe"]["name"],
        "weights_sha256": start.digest,
        "taken": taken.taken,
        "new": taken.new,
        "unused": taken.unused,
        "learned_from_labels": start.learned_from_labels,
        "held_out_by_fold": start.folds,
        "seen": start.seen,
        "test_slides_seen": slides,
        "test_patients_seen": patients,
    }


def start_notes(record: Mapping[str, Any]) -> list[str]:
    """Sentences for a person: what was taken, and what the start has seen of the tests."""
    new = sorted({".".join(name.split(".")[:2]) for name in record["new"]})
    notes = [
        f"{len(record['taken'])} weights start from '{record['run']}' ({record['recipe']}); "
        f"{len(record['new'])} are new ({', '.join(new) or 'none'}); "
        f"{len(record['unused'])} of that run are not used."
    ]
    slides, patients = record["test_slides_seen"], record["test_patients_seen"]
    if slides or patients:
        first = (slides or patients)[0]
        notes.append(
            f"{len(slides)} test slides and {len(patients)} test patients (first '{first}') were seen, "
            "without labels, by the pretraining this run starts from: its results are transductive, and may "
            "be better than on slides that were never seen. Pretrain with the same --folds and --seed to "
            "hold them out."
        )
    return notes


def _seen_tests(
    start: Start, cohort: Cohort, digests: Sequence[str], splits: Sequence[Split]
) -> tuple[list[str], list[str]]:
    """Test slides, and patients of test slides, that the start has seen."""
    if start.folds:  # its networks held them out, unless what they started from did not
        return list(start.before.get("test_slides_seen", [])), list(
            start.before.get("test_patients_seen", [])
        )
    tests = sorted({i for split in splits for i in split.test})
    hashes = {row["features_sha256"] for row in start.record["data"]["slides"].values()}
    slides = [cohort.slides[i].slide_id for i in tests if digests[i] in hashes]
    return slides, sorted({cohort.patients[i] for i in tests} & set(start.seen.values()))


def _check_finished(start: Start, splits: Sequence[Split]) -> None:
    for split in splits:
        folder = start.folder(split.repeat, split.fold)
        if not (folder / WEIGHTS).is_file():
            raise RunError(
                expected(
                    f"Start '{start.run}'",
                    f"a finished network in '{folder}'",
                    "none",
                    todo="Finish that run first (it resumes).",
                )
            )


def _check_same_folds(start: Start, cohort: Cohort, digests: Sequence[str], splits: Sequence[Split]) -> None:
    drawn = hashlib.sha256(repr(list(splits)).encode()).hexdigest()
    theirs = [row["features_sha256"] for row in start.record["data"]["slides"].values()]
    if drawn != start.record.get("splits_sha256") or list(digests) != theirs:
        raise RunError(
            expected(
                f"Start '{start.run}'",
                "the same slides in the same folds, or one network without folds",
                f"{start.record['plan']} over {len(theirs)} slides",
                todo="Pretrain with the same manifest, --folds, --repeats and --seed, or without --folds.",
            )
        )
