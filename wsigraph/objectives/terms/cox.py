"""Cox's partial likelihood over the slides of a step."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.head_term import HeadTerm, check_rows, widened

TIES = ("efron", "breslow")


class Cox(HeadTerm, name="cox"):
    r"""Negative partial log-likelihood, per event: who has the event first should have the larger risk.

    .. math::  L = -\frac{1}{E} \sum_{i: \delta_i = 1} \left( y_i
        - \log \sum_{j: t_j \ge t_i} w_{ij} e^{y_j} \right)

    All w are 1 under Breslow's approximation. Under Efron's, the l-th (from 0) of d events at one time gives
    those d the weight 1 - l / d: they leave the risk set one by one.

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read; it has one output.
        ties: ``"efron"`` or ``"breslow"``.

    Shape: logits ``[B, 1]``, target ``[B, 2]`` of (time, event); a slide censored at a time is still at risk
        then.
    Raises: RecipeError: if ties has no such name, or head or target have another width.
    Source: Cox 1972; Breslow 1974; Efron 1977; with a network, Katzman et al. 2018 (DeepSurv), eq. 4.
        Differs: over the slides of the step instead of all, Efron's ties as the default, no penalty of its
        own.
    """

    tasks: ClassVar[frozenset[str] | None] = frozenset({"cox"})
    per_slide: ClassVar[bool] = False
    num_outputs: ClassVar[int | None] = 1

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag", ties: str = "efron") -> None:
        super().__init__(sizes, view=view, head=head)
        if ties not in TIES:
            raise RecipeError(expected("Term 'cox'", f"ties {' or '.join(map(repr, TIES))}", f"'{ties}'"))
        if sizes.num_classes != 1:
            raise RecipeError(expected("Term 'cox'", "a head of 1 output", f"{sizes.num_classes}"))
        self.ties = ties

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over the events among the slides; 0 where there is none, or no other slide at risk."""
        rows = check_rows(target, logits, 2, where="Term 'cox'")
        return cox_loss(logits[:, 0], rows[:, 0], rows[:, 1], ties=self.ties)

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Two events at one time, one later, and a slide censored."""
        rows = torch.tensor([[2.0, 1.0], [2.0, 1.0], [3.0, 0.0], [2.5, 1.0]])
        return rows[torch.arange(num_slides) % 4]


def cox_loss(risk: Tensor, time: Tensor, event: Tensor, *, ties: str = "efron") -> Tensor:
    """Negative partial log-likelihood divided by the number of events; 0 where there is none.

    Args:
        risk: ``[B]`` log risks.
        time: ``[B]`` times of event or censoring.
        event: ``[B]`` 1 where the event happened, 0 where censored.
        ties: ``"efron"`` or ``"breslow"``.
    """
    risk, happened = widened(risk), event > 0
    if not bool(happened.any()):
        return risk.sum() * 0.0
    log_weight = _log_weights(time, happened, ties=ties).to(risk)[happened]  # [E, B]
    at_risk = (risk + log_weight).logsumexp(1)
    return (at_risk - risk[happened]).mean()


def _log_weights(time: Tensor, happened: Tensor, *, ties: str) -> Tensor:
    """``[B, B]``: logarithm of the weight of slide j in the risk set of slide i, -inf where it has left."""
    at_risk = time >= time.unsqueeze(1)
    weight = at_risk.double()
    if ties == "efron":
        tied = (time == time.unsqueeze(1)) & happened & happened.unsqueeze(1)
        before = tied.tril(-1).sum(1, keepdim=True).double()  # events at this time that are counted first
        weight = weight - tied * (before / tied.sum(1, keepdim=True).clamp(min=1))
    return weight.log()
