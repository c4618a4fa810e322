"""Survival by hazards in bins of time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from wsigraph.data.tasks.base import Target
from wsigraph.data.tasks.survival import Survival, times_and_events
from wsigraph.errors import CohortError, RecipeError, expected

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DiscreteTime(Survival, name="discrete_time"):
    r"""The chance of the event in each bin of time, for those who came so far.

    .. math::  h_k = \sigma(y_k), \qquad S(c_k) = \prod_{j \le k} (1 - h_j)

    Bins are (0, c_1], (c_1, c_2], ..., (c_{K-1}, inf); their ends are quantiles of the event times of the
    *training* slides, so that each holds about as many events, and c_K is the longest time there. Within
    a bin the hazard is constant: the logarithm of S is linear between ends, and level after the last.

    Args:
        time_col: Column of times, from 0, in any unit.
        event_col: Column with 1 (the event happened) or 0 (censored).
        num_bins: Bins K.
        ends: c_1 to c_K; set by ``seen``.
        times: Where S is read off for ``survival_<t>``; set by ``for_cohort`` where not given, to quarters
            of the cohort's event times. No model learns from them.

    Shape: logits ``[B, K]`` -> ``risk`` (1 minus the mean of S at the ends, in 0..1) and one
        ``survival_<t>`` per time.
    Source: Gensheimer and Narasimhan 2019; constant hazards within bins: Kvamme and Borgan 2021.
    """

    num_bins: int = 4
    ends: tuple[float, ...] = ()
    times: tuple[float, ...] = ()

    term: ClassVar[str] = "discrete_time"

    def __post_init__(self) -> None:
        for name in ("ends", "times"):
            given = tuple(map(float, getattr(self, name)))
            if list(given) != sorted(set(given)) or min(given, default=1.0) <= 0:
                raise RecipeError(
                    expected("Task 'discrete_time'", f"{name} above 0 that rise", f"{list(given)}")
                )
            object.__setattr__(self, name, given)
        if self.num_bins < 1 or len(self.ends) not in (0, self.num_bins):
            got = f"num_bins {self.num_bins} and {len(self.ends)} ends"
            raise RecipeError(expected("Task 'discrete_time'", "at least 1 bin, and as many ends", got))

    def num_outputs(self, classes: Sequence[str]) -> int:
        return self.num_bins

    def answer(self, logits: Tensor) -> Tensor:
        """Risk, and survival at ``times``."""
        import torch

        log_survival = torch.nn.functional.logsigmoid(-logits).cumsum(1)  # [B, K] at the ends
        risk = 1.0 - log_survival.exp().mean(1, keepdim=True)
        if not self.times:
            return risk
        read = log_survival @ logits.new_tensor(self._reading()).T  # [B, T]
        return torch.cat([risk, read.exp()], 1)

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return "risk", *(f"survival_{time:g}" for time in self.times)

    def seen(self, targets: Sequence[Target]) -> DiscreteTime:
        """The task with bins between quantiles of the event times of the training slides.

        Raises: CohortError: if fewer event times than bins are there.
        """
        times, events = times_and_events(targets)
        happened = np.sort([time for time, event in zip(times, events, strict=True) if event and time > 0])
        different = np.unique(happened)
        if len(different) < self.num_bins:
            raise CohortError(
                expected(
                    "Training slides",
                    f"at least {self.num_bins} different event times above 0 for {self.num_bins} bins",
                    f"{len(different)}",
                    todo="Use fewer bins: --set task.num_bins=2.",
                )
            )
        ends = (*_quantiles(happened, self.num_bins), max(times))
        if any(a >= b for a, b in pairwise(ends)):  # many equal times: quantiles of those that differ
            ends = (*_quantiles(different, self.num_bins), max(times))
        return replace(self, ends=ends)

    def step_target(self, target: Tensor) -> Tensor:
        """(bins survived, event): the event falls into the bin after those survived.

        A censored slide survived the bins of which it saw at least half.
        """
        import torch

        time, event = target[:, :1], target[:, 1]
        ends = target.new_tensor(self._known_ends())
        begins = torch.cat([ends.new_zeros(1), ends[:-1]])
        failed = (time > ends[:-1]).sum(1)
        censored = (time >= (begins + ends) / 2).sum(1)
        return torch.stack([torch.where(event > 0, failed, censored).to(event), event], 1)

    def for_cohort(self, targets: Sequence[Target]) -> DiscreteTime:
        """The task, knowing where survival is read off."""
        if self.times:
            return self
        times, events = times_and_events(targets)
        happened = [time for time, event in zip(times, events, strict=True) if event]
        quarters = {float(f"{time:.3g}") for time in np.quantile(happened, [0.25, 0.5, 0.75])}
        return replace(self, times=tuple(sorted(time for time in quarters if time > 0)))

    def _known_ends(self) -> tuple[float, ...]:
        if not self.ends:
            raise RecipeError(
                expected(
                    "Task 'discrete_time'",
                    "time bins of training slides",
                    "none",
                    todo="Train first, or give the ends of the bins: task.ends.",
                )
            )
        return self.ends

    def _reading(self) -> list[list[float]]:
        """``[T, K]``: log survival at ``times`` as a sum of log survivals at two ends."""
        ends = self._known_ends()
        rows = []
        for time in self.times:
            row, k = [0.0] * len(ends), bisect_left(ends, time)
            begin = ends[k - 1] if k else 0.0
            share = (time - begin) / (ends[k] - begin) if k < len(ends) else 0.0
            if k < len(ends):
                row[k] = share
            if k:
                row[k - 1] = 1.0 - share
            rows.append(row)
        return rows


def _quantiles(values: np.ndarray, parts: int) -> tuple[float, ...]:
    """Ends of all parts but the last, each a value that occurs."""
    return tuple(float(values[-(-k * len(values) // parts) - 1]) for k in range(1, parts))
