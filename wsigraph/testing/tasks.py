"""What every task owes: test a new one with ``check_task(MyTask(), rows=[{"label": "a"}, ...])``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from wsigraph.data.tasks.base import Target, Task, make_task
from wsigraph.objectives.base import Objective
from wsigraph.testing.require import require, require_equal, require_finite, require_shape


def check_task(
    task: Task,
    *,
    rows: Sequence[Mapping[str, str]],
    classes: Sequence[str] | None = None,
    num_logits: int | None = None,
) -> None:
    """Check one task on rows of a manifest.

    Cells are read and empty ones named as missing, names are in order and fit, targets are read alike one by
    one and together, the answer has a finite column for each name and no slide hears another, the settings
    survive JSON and then answer the same, strata name every slide, and the term is registered for the task.

    Args:
        task: The task.
        rows: Cells of some slides, none missing, of which something can be learned.
        classes: Names in order; those found in the rows where not given.
        num_logits: Logits that the answer reads, where a task reads those of several heads.

    Raises: AssertionError: naming the first property that fails.
    """
    who = f"Task '{task.name}'"
    names = tuple(classes or task.in_order({word for row in rows for word in task.words(row)}))
    require(not task.check_classes(names), who, "names that fit", task.check_classes(names))
    targets = _targets(task, rows, names, who=who)
    learned = task.for_cohort(targets).seen(targets)
    again = make_task(json.loads(json.dumps(learned.settings())))
    require(again.settings() == learned.settings(), who, "settings that survive JSON", f"{again.settings()}")
    _check_targets(learned, targets, who=who)
    logits = torch.randn(len(rows), num_logits or task.num_outputs(names), dtype=torch.float64)
    _check_answer(learned, logits, names, who=who)
    require_equal(
        again.answer(logits),
        learned.answer(logits),
        who=who,
        what="the same answer from its settings",
        tolerance=0,
    )
    strata = learned.strata(targets, names)
    require(len(strata) == len(rows), who, f"{len(rows)} strata", f"{len(strata)}")
    term = Objective.registry.get(task.term)
    reads = task.name in (term.tasks or ()) or term.name == task.term
    require(reads, who, f"a term '{task.term}' that reads its targets", f"one that reads {term.tasks}")


def _targets(
    task: Task, rows: Sequence[Mapping[str, str]], names: tuple[str, ...], *, who: str
) -> list[Target]:
    """Targets as a cohort holds them."""
    nothing = dict.fromkeys(task.columns, "")
    require(bool(task.missing(nothing)), who, "a reason for a slide with empty cells", "none")
    found: list[Target] = []
    for row in rows:
        require(not task.missing(row), who, "rows that can be used", task.missing(row))
        require(bool(task.told(row)), who, "cells told as text", "none")
        read = task.row(row, names, where=who)
        found.append(int(read[0]) if task.one_class else read)
        wanted = len(task.target_columns(names))
        require(len(read) == wanted, who, f"{wanted} entries in a target", f"{len(read)}")
    return found


def _check_targets(task: Task, targets: Sequence[Target], *, who: str) -> None:
    together = task.step_target(torch.as_tensor(targets))
    require(len(together) == len(targets), who, "a target for each slide", f"{len(together)}")
    alone = torch.cat([task.step_target(torch.as_tensor([target])) for target in targets])
    require_equal(
        together.double().nan_to_num(-7.0),
        alone.double().nan_to_num(-7.0),
        who=who,
        what="targets read alike one by one and together",
    )


def _check_answer(task: Task, logits: Tensor, names: tuple[str, ...], *, who: str) -> None:
    columns = task.answer_columns(names)
    require(len(set(columns)) == len(columns), who, "columns that differ", f"{columns}")
    answer = task.answer(logits)
    require_shape(answer, (len(logits), len(columns)), who=who, what="an answer")
    require_finite(answer, who=who, what="an answer")
    alone = torch.cat([task.answer(row) for row in logits.split(1)])
    require_equal(answer, alone, who=who, what="slides answered one by one as together")
    row = task.prediction("slide", "patient", values=answer[0])
    require(not row.known, who, "a row without a truth where none is given", "one")
