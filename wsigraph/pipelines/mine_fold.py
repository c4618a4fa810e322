"""The loop on one fold: classify, mine, fine-tune, encode, classify, until the rounds are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsigraph.io.answers import write_predictions
from wsigraph.io.atomic import read_json, sweep, write_json
from wsigraph.io.log_file import write_log
from wsigraph.io.model_files import WEIGHTS, load_model_folder
from wsigraph.io.run_folder import copy_fold
from wsigraph.models.mil_model import MILModel
from wsigraph.pipelines.mine_contrast import NETWORK, SCORES, contrast_round, mine_round
from wsigraph.pipelines.mine_encode import encode_round
from wsigraph.pipelines.mine_job import CLASSIFIER, MineJob, scoring_term
from wsigraph.pipelines.mine_scores import score_all, validation_score, write_scores
from wsigraph.pipelines.mine_stages import CHOSEN, Stages
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one
from wsigraph.training.mining.refresh import decide

JUDGED = "judged.json"


def run_fold(job: MineJob, *, repeat: int = 0, fold: int = 0) -> Path:
    """Run the loop on one fold, going on where it was left.

    Training slides teach, validation slides judge each round, and the test slides are first encoded and
    answered when the round that answers them is chosen.

    Args:
        job: The loop.
        repeat: Repeat of the cross-validation, for the rows of predictions.
        fold: Fold within it.

    Returns: Its predictions, the last file that is written.
    """
    done = job.folder / "predictions.csv"
    if done.is_file():
        return done
    sweep(job.folder)
    stages, chosen = Stages(job.folder), 0
    for number in range(job.settings.rounds + 1):
        if number:
            _features(job, stages, number, labels_from=chosen)
        chosen = _classifier(job, stages, number, standing=chosen)
    return _answer(job, stages, chosen, place={"repeat": repeat, "fold": fold})


def _features(job: MineJob, stages: Stages, number: int, *, labels_from: int) -> None:
    """Mine, fine-tune, and encode the training and validation slides anew."""
    term = scoring_term(job.recipe)
    told = {"labels_from": labels_from, "term": term}
    stages.run(f"round {number}: mine", lambda: [mine_round(job, number, **told)])  # type: ignore[arg-type]
    stages.run(f"round {number}: contrast", lambda: contrast_round(job, number, **told))  # type: ignore[arg-type]
    stages.run(
        f"round {number}: encode",
        lambda: encode_round(job, number, [*job.split.train, *job.split.val]),
    )


def _classifier(job: MineJob, stages: Stages, number: int, *, standing: int) -> int:
    """Train the slide classifier of a round, judge it, and score the training patches.

    Args:
        job: The loop.
        stages: What is done.
        number: The round.
        standing: Round whose pseudo-labels are in use.

    Returns: Round whose pseudo-labels are in use from now on.
    """
    ready: list[_Classifier] = []  # made once, and not at all where both stages are done

    def classifier() -> _Classifier:
        if not ready:
            ready.append(_Classifier.of(job, number))
        return ready[0]

    stages.run(f"round {number}: classify", lambda: _classify(job, number, classifier()))
    stages.run(f"round {number}: judge", lambda: _judge(job, number, classifier(), standing=standing))
    judged = read_json(job.round(number) / JUDGED)
    job.reporter.say(f"round {number}: validation {judged['score']}, {judged['reason']}")
    return int(judged["labels_from_round"])


def _classify(job: MineJob, number: int, one: _Classifier) -> list[Path]:
    """A slide classifier from scratch, from the same first weights in each round."""
    label = f"Round {number}: training {job.recipe.name}"
    job.reporter.start(label, job.recipe.optimiser.epochs)
    fit_one(
        one.task,
        train_on=one.train_on,
        validate_on=one.validate_on,
        listen=lambda _: job.reporter.advance(label),
    )
    job.reporter.finish(label)
    return [path for path in sorted(one.task.folder.iterdir()) if path.is_file()]


def _judge(job: MineJob, number: int, one: _Classifier, *, standing: int) -> list[Path]:
    """Score the training patches, and decide whether these scores make the pseudo-labels."""
    task, folder, settings = one.task, job.round(number), job.settings
    model = load_model_folder(task.folder)[0]
    rows = answer_all(task, model, one.validate_on, split="val")
    asked = task.recipe.make_task()
    score = validation_score(rows, asked, judge=settings.judge, num_classes=len(job.recipe.classes))
    before = None if number == 0 else read_json(job.round(standing) / JUDGED)["score"]
    before = float("nan") if number and before is None else before
    refresh = decide(before, score)
    term = scoring_term(task.recipe)
    write_scores(folder / SCORES, score_all(model, task.recipe, term, task.cohort.subset(one.train_on)))
    used = number if refresh.accepted else standing
    write_json(folder / JUDGED, {"round": number, **asdict(refresh), "labels_from_round": used})
    return [folder / SCORES, folder / JUDGED]


@dataclass(frozen=True)
class _Classifier:
    """The slide classifier of a round on its training and validation slides, and where these stand."""

    task: Task
    train_on: list[int]
    validate_on: list[int]

    @classmethod
    def of(cls, job: MineJob, number: int) -> _Classifier:
        train, val = job.split.train, job.split.val
        recipe, cohort, store = job.at_round(number, [*train, *val])
        folder = job.round(number) / CLASSIFIER
        task = Task(recipe, cohort, store, folder, job.seed, job.options)
        both = range(len(train) + len(val))
        return cls(task, list(both[: len(train)]), list(both[len(train) :]))


def _answer(job: MineJob, stages: Stages, chosen: int, *, place: dict[str, int]) -> Path:
    """The test slides by the chosen round, and its classifier as the fold's."""
    if chosen and job.split.test:
        stages.run(f"round {chosen}: encode test", lambda: encode_round(job, chosen, job.split.test))
    folder = job.round(chosen) / CLASSIFIER
    model = load_model_folder(folder)[0]
    rows = _rows(job, model, chosen, place)
    encoder = None if chosen == 0 else (job.round(chosen) / NETWORK).relative_to(job.folder).as_posix()
    write_json(job.folder / CHOSEN, {"round": chosen, "encoder": encoder})
    write_log(job.folder / "rounds.csv", [_round_row(job, n) for n in range(job.settings.rounds + 1)])
    if not (job.folder / WEIGHTS).is_file():
        copy_fold(folder, job.folder)
    done = job.folder / "predictions.csv"
    write_predictions(done, rows, job.recipe.make_task(), job.recipe.classes)
    return done


def _rows(job: MineJob, model: MILModel, chosen: int, place: dict[str, int]) -> list[Any]:
    sides = {"test": job.split.test, "val": job.split.val}
    rows: list[Any] = []
    for split, indices in sides.items():
        if indices:
            recipe, cohort, store = job.at_round(chosen, indices)
            task = Task(recipe, cohort, store, job.folder, job.seed, job.options)
            rows += answer_all(task, model, range(len(indices)), split=split, **place)
    return rows


def _round_row(job: MineJob, number: int) -> dict[str, Any]:
    judged = read_json(job.round(number) / JUDGED)
    return {
        "round": number,
        "score": float("nan") if judged["score"] is None else judged["score"],
        "accepted": int(judged["accepted"]),
        "labels_from_round": judged["labels_from_round"],
    }


def summary(folder: Path, sequence: Sequence[int]) -> dict[str, Any]:
    """What the rounds of a fold came to, from its files.

    Args:
        folder: The fold.
        sequence: Numbers of its rounds.
    """
    rounds = [read_json(folder / f"round_{n}" / JUDGED) for n in sequence]
    return {**read_json(folder / CHOSEN), "rounds": rounds}
