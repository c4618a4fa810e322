"""Survival by proportional hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wsigraph.data.tasks.base import Target
from wsigraph.data.tasks.survival import Survival, times_and_events

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cox(Survival, name="cox"):
    r"""Proportional hazards: one log risk per slide, learned by the partial likelihood.

    .. math::  \lambda(t \mid x) = \lambda_0(t)\, e^{y(x)}

    The baseline hazard is left open, so a risk orders slides of one network and has no scale of its own:
    risks of two networks may differ by a constant. The term compares the slides of a step, and learns
    nothing from one alone.

    Args:
        time_col: Column of times, from 0, in any unit.
        event_col: Column with 1 (the event happened) or 0 (censored).

    Shape: logits ``[B, 1]`` -> ``risk`` ``[B, 1]``, larger is earlier.
    Source: Cox 1972; with a network, Katzman et al. 2018 (DeepSurv).
    """

    term: ClassVar[str] = "cox"
    least_slides: ClassVar[int] = 2
    usual_slides: ClassVar[int] = 16
    monitors: ClassVar[tuple[str, ...]] = ("val_loss", "last")

    def num_outputs(self, classes: Sequence[str]) -> int:
        return 1

    def answer(self, logits: Tensor) -> Tensor:
        """The log risk."""
        return logits

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return ("risk",)

    def seen(self, targets: Sequence[Target]) -> Cox:
        """The task as it is.

        Raises: CohortError: if no training slide has an event.
        """
        times_and_events(targets)
        return self
